// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace ngforge {

/// Where the fields of a header lie, in bytes (nifti1.h and nifti2.h of the NIfTI DFWG, nifti.nimh.nih.gov); sizes
/// differ too: NIfTI-1 has int16 dim, float32 reals, int16 codes; NIfTI-2 has int64, float64, int32.
struct NiftiLayout {
  const char* format;
  int version;
  std::size_t header_bytes, magic, datatype, bitpix, dim, pixdim, vox_offset, scl_slope, scl_inter, descrip, qform_code,
      sform_code, quatern, qoffset, srow, xyzt_units, intent_code;
};
inline constexpr NiftiLayout kNifti1{.format = "NIfTI-1",
                                     .version = 1,
                                     .header_bytes = 348,
                                     .magic = 344,
                                     .datatype = 70,
                                     .bitpix = 72,
                                     .dim = 40,
                                     .pixdim = 76,
                                     .vox_offset = 108,
                                     .scl_slope = 112,
                                     .scl_inter = 116,
                                     .descrip = 148,
                                     .qform_code = 252,
                                     .sform_code = 254,
                                     .quatern = 256,
                                     .qoffset = 268,
                                     .srow = 280,
                                     .xyzt_units = 123,
                                     .intent_code = 68};
inline constexpr NiftiLayout kNifti2{.format = "NIfTI-2",
                                     .version = 2,
                                     .header_bytes = 540,
                                     .magic = 4,
                                     .datatype = 12,
                                     .bitpix = 14,
                                     .dim = 16,
                                     .pixdim = 104,
                                     .vox_offset = 168,
                                     .scl_slope = 176,
                                     .scl_inter = 184,
                                     .descrip = 240,
                                     .qform_code = 344,
                                     .sform_code = 348,
                                     .quatern = 352,
                                     .qoffset = 376,
                                     .srow = 400,
                                     .xyzt_units = 500,
                                     .intent_code = 504};
/// intent_code of label volumes.
inline constexpr int kNiftiIntentLabel = 1002;

}  // namespace ngforge
