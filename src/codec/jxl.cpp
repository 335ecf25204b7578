// SPDX-License-Identifier: Apache-2.0
// The jxl encoding (precomputed specification, 1.8): JPEG XL, bare codestream or container, 8 bits. Pixels row by row
// are the voxels in the order x, y, z; any width and height with that product will do. Several channels are frames of
// an animation, one grey picture each, as cloud-volume writes them and the viewer puts them together. One frame of
// colours, which the viewer would not take apart, is read too.
#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include <jxl/decode.h>
#include <jxl/encode.h>

#include "codec/codec.h"
#include "codec/image_chunk.h"
#include "codec/jxl_frame.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

// Of level 5 of the format, which every decoder is made for.
constexpr Index kLongestSide = Index{1} << 18;
constexpr Index kMostPixels = Index{1} << 28;
constexpr Index kMostChannels = 4;
constexpr int kLossless = 100;

constexpr CodecOption kQuality{"jxl-quality", kLossless, 1, kLossless, "Quality of jxl; 100 is lossless"};
constexpr CodecOption kEffort{"jxl-effort", 4, 1, 9, "Effort of jxl: larger is smaller and slower"};
constexpr CodecOption kOptions[] = {kQuality, kEffort};

struct DestroyCoder {
  void operator()(JxlEncoder* encoder) const { JxlEncoderDestroy(encoder); }
  void operator()(JxlDecoder* decoder) const { JxlDecoderDestroy(decoder); }
};

constexpr JxlPixelFormat kGreyPixels{1, JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
constexpr JxlPixelFormat kColorPixels{3, JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};

bool supports(DataType type, Index channels) {
  return type == DataType::uint8 && channels >= 1 && channels <= kMostChannels;
}

Error unsupported_voxels(DataType type, Index channels) {
  return make_error(ErrorCode::unsupported, "jxl: expected 1 to {} channels of uint8, found {} of {}", kMostChannels,
                    channels, name_of(type));
}

Result<ImageShape> picture_of(const VoxelVec& size) {
  NGFORGE_TRY(const ImageShape shape, image_shape("jxl", size, kLongestSide));
  if (shape.width * shape.height > kMostPixels)
    return make_error(ErrorCode::limit, "jxl: expected a chunk of at most {} voxels, found {} x {} x {}", kMostPixels,
                      size.x, size.y, size.z);
  return shape;
}

Result<void> check_size(const VoxelVec& size, const CodecOptions&) {
  NGFORGE_CHECK(picture_of(size));
  return {};
}

// The library's own scale of qualities since 0.8: 90 cannot be told from the original by eye.
float distance_of(int quality) {
  const auto q = static_cast<float>(quality);
  const float distance = quality >= 30 ? 0.1f + (100 - q) * 0.09f : 53.0f / 3000 * q * q - 23.0f / 20 * q + 25;
  return std::min(distance, 15.0f);  // 0.7 goes no further
}

// The library states no bound. Noise, which is what takes most, stays below 1.4 bytes a voxel at every quality and
// effort (see the test); what took more would be an error.
std::uint64_t most_bytes(const VoxelVec& size, DataType, Index channels, const CodecOptions&) {
  constexpr std::uint64_t kHeaders = 1024;
  return static_cast<std::uint64_t>(channels) * (kHeaders + 2 * static_cast<std::uint64_t>(size.product()));
}

bool begin_picture(JxlEncoder* encoder, const ImageShape& shape, Index channels, bool is_lossless) {
  JxlBasicInfo info;
  JxlEncoderInitBasicInfo(&info);
  info.xsize = static_cast<std::uint32_t>(shape.width);
  info.ysize = static_cast<std::uint32_t>(shape.height);
  info.bits_per_sample = 8;
  info.num_color_channels = 1;
  info.uses_original_profile = is_lossless ? JXL_TRUE : JXL_FALSE;
  info.have_animation = channels > 1 ? JXL_TRUE : JXL_FALSE;
  info.animation.tps_numerator = info.animation.tps_denominator = 1;
  JxlColorEncoding grey;
  JxlColorEncodingSetToSRGB(&grey, /*is_gray=*/JXL_TRUE);
  return JxlEncoderSetBasicInfo(encoder, &info) == JXL_ENC_SUCCESS &&
         JxlEncoderSetColorEncoding(encoder, &grey) == JXL_ENC_SUCCESS;
}

bool add_frames(JxlEncoder* encoder, const BlockView& view, const CodecOptions& options) {
  const int quality = options.number(kQuality);
  JxlEncoderFrameSettings* settings = JxlEncoderFrameSettingsCreate(encoder, nullptr);
  const auto ok = [](JxlEncoderStatus status) { return status == JXL_ENC_SUCCESS; };
  // No frames only for other frames, as patches and coarse first passes are: no reader needs memory for them.
  for (const auto& [setting, value] : {std::pair{JXL_ENC_FRAME_SETTING_EFFORT, options.number(kEffort)},
                                       {JXL_ENC_FRAME_SETTING_PATCHES, 0},
                                       {JXL_ENC_FRAME_SETTING_PROGRESSIVE_DC, 0}})
    if (!ok(JxlEncoderFrameSettingsSetOption(settings, setting, value))) return false;
  if (!ok(quality == kLossless ? JxlEncoderSetFrameLossless(settings, JXL_TRUE)
                               : JxlEncoderSetFrameDistance(settings, distance_of(quality))))
    return false;
  JxlFrameHeader frame;
  JxlEncoderInitFrameHeader(&frame);
  frame.duration = 1;
  if (view.channels > 1 && !ok(JxlEncoderSetFrameHeader(settings, &frame))) return false;
  const auto plane = static_cast<std::size_t>(view.box.volume());
  for (Index c = 0; c < view.channels; ++c)
    if (!ok(JxlEncoderAddImageFrame(settings, &kGreyPixels, view.data + plane * static_cast<std::size_t>(c), plane)))
      return false;
  JxlEncoderCloseInput(encoder);
  return true;
}

Result<void> encode(const BlockView& view, const CodecOptions& options, Bytes& out) {
  if (!supports(view.type, view.channels)) return unsupported_voxels(view.type, view.channels);
  NGFORGE_TRY(const ImageShape shape, picture_of(view.size()));
  thread_local const std::unique_ptr<JxlEncoder, DestroyCoder> encoder(JxlEncoderCreate(nullptr));
  if (!encoder) return make_error(ErrorCode::internal, "jxl: no encoder");
  JxlEncoderReset(encoder.get());
  if (!begin_picture(encoder.get(), shape, view.channels, options.number(kQuality) == kLossless) ||
      !add_frames(encoder.get(), view, options))
    return make_error(ErrorCode::internal, "jxl: the encoder ended with error {}",
                      static_cast<int>(JxlEncoderGetError(encoder.get())));
  out.resize(most_bytes(view.size(), view.type, view.channels, options));
  auto* next = reinterpret_cast<std::uint8_t*>(out.data());
  std::size_t left = out.size();
  if (JxlEncoderProcessOutput(encoder.get(), &next, &left) != JXL_ENC_SUCCESS)
    return make_error(ErrorCode::internal, "jxl: expected at most {} bytes of {} x {} x {} voxels, found more",
                      out.size(), view.size().x, view.size().y, view.size().z);
  out.resize(out.size() - left);
  return {};
}

template <class... Args>
Error corrupt(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::invalid_data, format, std::forward<Args>(args)...).in("jxl");
}

// The codestream inside a container: boxes of a big-endian size (0: up to the end, 1: 64 bits of size follow), four
// letters, content. jxlc holds all of it, jxlp a part behind four bytes; what describes the picture is left out.
Result<Bytes> unpacked(std::span<const std::byte> bytes) {
  ByteCursor cursor(bytes, "jxl");
  Bytes out;
  while (cursor.remaining() > 0) {
    const std::size_t begin = cursor.position();
    NGFORGE_TRY(const auto head, cursor.take(8));
    std::uint64_t size = load<std::uint32_t, std::endian::big>(head.data());
    if (size == 1) {
      NGFORGE_TRY(const auto wide, cursor.take(8));
      size = load<std::uint64_t, std::endian::big>(wide.data());
    }
    const std::size_t head_size = cursor.position() - begin;
    if (size == 0) size = head_size + cursor.remaining();
    if (size < head_size || size - head_size > cursor.remaining())
      return corrupt("box at byte {}: expected {} to {} bytes, found {}", begin, head_size,
                     head_size + cursor.remaining(), size);
    NGFORGE_TRY(auto content, cursor.take(static_cast<std::size_t>(size) - head_size));
    const bool is_part = std::memcmp(head.data() + 4, "jxlp", 4) == 0;
    if (!is_part && std::memcmp(head.data() + 4, "jxlc", 4) != 0) continue;
    if (is_part) content = content.subspan(std::min<std::size_t>(4, content.size()));
    out.insert(out.end(), content.begin(), content.end());
  }
  return out;
}

// Decodes one codestream, from event to event of the library.
class Frames {
 public:
  Frames(JxlDecoder* decoder, std::span<const std::byte> bytes, const MutableBlockView& view)
      : decoder_(decoder), bytes_(bytes), view_(view), plane_(static_cast<std::size_t>(view.box.volume())) {}

  Result<void> read() {
    JxlDecoderReset(decoder_);
    // Frames as they are in the stream, so that their own sizes are seen: they must all be whole pictures.
    if (JxlDecoderSubscribeEvents(decoder_, JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_FRAME |
                                                JXL_DEC_FULL_IMAGE) != JXL_DEC_SUCCESS ||
        JxlDecoderSetCoalescing(decoder_, JXL_FALSE) != JXL_DEC_SUCCESS)
      return make_error(ErrorCode::internal, "jxl: no decoder");
    NGFORGE_CHECK(set_input(0));
    for (;;) {
      switch (JxlDecoderProcessInput(decoder_)) {
        case JXL_DEC_BASIC_INFO: NGFORGE_CHECK(check_picture()); break;
        case JXL_DEC_COLOR_ENCODING: NGFORGE_CHECK(check_next()); break;
        case JXL_DEC_FRAME: NGFORGE_CHECK(check_frame()); break;
        case JXL_DEC_NEED_IMAGE_OUT_BUFFER: NGFORGE_CHECK(set_output()); break;
        case JXL_DEC_FULL_IMAGE:
          ++frames_;
          NGFORGE_CHECK(check_next());
          break;
        case JXL_DEC_SUCCESS: return check_end();
        case JXL_DEC_NEED_MORE_INPUT:
          return corrupt("expected more than {} bytes, found their end in frame {}", bytes_.size(), frames_);
        default: return corrupt("expected a picture, found {} bytes that break in frame {}", bytes_.size(), frames_);
      }
    }
  }

 private:
  bool is_colored() const { return info_.num_color_channels != 1; }
  std::size_t frames_wanted() const { return is_colored() ? 1 : static_cast<std::size_t>(view_.channels); }

  // The input is never closed: of what is cut the library would then print that, and tell nothing else.
  Result<void> set_input(std::size_t from) {
    const auto rest = bytes_.subspan(from);
    if (JxlDecoderSetInput(decoder_, reinterpret_cast<const std::uint8_t*>(rest.data()), rest.size()) !=
        JXL_DEC_SUCCESS)
      return make_error(ErrorCode::internal, "jxl: no input");
    return {};
  }

  // Where the library has come to.
  std::size_t release_input() { return bytes_.size() - JxlDecoderReleaseInput(decoder_); }

  // Looks at the frames from here to the next that is shown before the library does: of those that are not it tells
  // nothing, and of any of them only once it has allocated for whatever size they say.
  Result<void> check_next() {
    std::size_t at = release_input();
    NGFORGE_CHECK(set_input(at));
    const JxlPicture picture{info_.xsize, info_.ysize, info_.uses_original_profile == JXL_FALSE,
                             info_.have_animation != JXL_FALSE, info_.animation.have_timecodes != JXL_FALSE};
    std::uint64_t pixels_left = most_hidden_pixels();
    while (at < bytes_.size()) {
      const auto frame = read_jxl_frame(bytes_.subspan(at), picture);
      if (!frame) return {};  // the library says so too
      if (frame->is_placed)
        return corrupt("frame {}: expected a whole picture of {} x {}, found {} x {} at {} {}", frames_, info_.xsize,
                       info_.ysize, frame->width, frame->height, frame->x, frame->y);
      if (frame->is_shown) return {};
      if (frame->block_pixels > pixels_left)
        return corrupt("byte {} of the codestream: expected frames for others of up to {} pixels, found {} x {}", at,
                       pixels_left, frame->width, frame->height);
      if (!frame->size_bytes)
        return corrupt(
            "byte {} of the codestream: expected a frame for others that says where it ends, found one with "
            "permuted sections, subsampled colours or extensions",
            at);
      pixels_left -= frame->block_pixels;
      if (*frame->size_bytes > bytes_.size() - at) return {};  // the library says so too
      at += static_cast<std::size_t>(*frame->size_bytes);
    }
    return {};
  }

  // In all frames before one that is shown: as many as it has itself. Small ones may need more for their patches.
  std::uint64_t most_hidden_pixels() const {
    constexpr std::uint64_t kBlock = 8, kGroup = 256 * 256;
    const auto blocks = [](std::uint64_t pixels) { return (pixels + kBlock - 1) / kBlock * kBlock; };
    return std::max(kGroup, blocks(info_.xsize) * blocks(info_.ysize));
  }

  Result<void> check_picture() {
    if (JxlDecoderGetBasicInfo(decoder_, &info_) != JXL_DEC_SUCCESS) return corrupt("expected a header, found none");
    if (std::uint64_t{info_.xsize} * info_.ysize != plane_)
      return corrupt("expected a picture of {} pixels, found {} x {}", plane_, info_.xsize, info_.ysize);
    if (info_.have_preview != JXL_FALSE) return corrupt("expected a picture without preview, found one with it");
    if (info_.num_extra_channels != 0 || (is_colored() && view_.channels != 3))
      return corrupt("expected {} frame(s) of grey, found {} component(s) and {} extra", view_.channels,
                     info_.num_color_channels, info_.num_extra_channels);
    return {};
  }

  Result<void> check_frame() {
    JxlFrameHeader frame;
    if (JxlDecoderGetFrameHeader(decoder_, &frame) != JXL_DEC_SUCCESS)
      return corrupt("expected the header of frame {}, found none", frames_);
    const JxlLayerInfo& layer = frame.layer_info;
    if (layer.have_crop != JXL_FALSE || layer.xsize != info_.xsize || layer.ysize != info_.ysize)
      return corrupt("frame {}: expected a whole picture of {} x {}, found {} x {}", frames_, info_.xsize, info_.ysize,
                     layer.xsize, layer.ysize);
    if (layer.blend_info.blendmode != JXL_BLEND_REPLACE || (frame.duration == 0 && frame.is_last == JXL_FALSE))
      return corrupt("frame {}: expected a picture of its own, found a layer", frames_);
    if (frames_ == frames_wanted()) return corrupt("expected {} frame(s), found more", frames_wanted());
    return {};
  }

  Result<void> set_output() {
    const JxlPixelFormat& format = is_colored() ? kColorPixels : kGreyPixels;
    std::byte* out = view_.data + frames_ * plane_;
    if (is_colored()) {
      pixels_ = Buffer(3 * plane_);
      out = pixels_.data();
    }
    const std::size_t size = format.num_channels * plane_;
    std::size_t needed = 0;
    if (JxlDecoderImageOutBufferSize(decoder_, &format, &needed) != JXL_DEC_SUCCESS || needed != size ||
        JxlDecoderSetImageOutBuffer(decoder_, &format, out, size) != JXL_DEC_SUCCESS)
      return corrupt("frame {}: expected {} bytes of pixels, found {}", frames_, size, needed);
    return {};
  }

  Result<void> check_end() {
    if (frames_ != frames_wanted()) return corrupt("expected {} frame(s), found {}", frames_wanted(), frames_);
    if (const std::size_t end = release_input(); end != bytes_.size())
      return corrupt("expected an end at byte {}, found {} bytes more", end, bytes_.size() - end);
    if (is_colored()) scatter_pixels(pixels_.data(), 0, plane_, view_);
    return {};
  }

  JxlDecoder* decoder_;
  std::span<const std::byte> bytes_;
  MutableBlockView view_;
  std::size_t plane_, frames_ = 0;  // bytes of a channel; whole frames
  JxlBasicInfo info_{};
  Buffer pixels_;
};

Result<void> decode(std::span<const std::byte> bytes, const CodecOptions&, const MutableBlockView& view) {
  if (!supports(view.type, view.channels)) return unsupported_voxels(view.type, view.channels);
  NGFORGE_CHECK(picture_of(view.size()));
  thread_local const std::unique_ptr<JxlDecoder, DestroyCoder> decoder(JxlDecoderCreate(nullptr));
  if (!decoder) return make_error(ErrorCode::internal, "jxl: no decoder");
  // Of what is no jxl the library would print that.
  switch (JxlSignatureCheck(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size())) {
    case JXL_SIG_CODESTREAM: return Frames(decoder.get(), bytes, view).read();
    case JXL_SIG_CONTAINER: {
      NGFORGE_TRY(const Bytes codestream, unpacked(bytes));
      if (JxlSignatureCheck(reinterpret_cast<const std::uint8_t*>(codestream.data()), codestream.size()) !=
          JXL_SIG_CODESTREAM)
        return corrupt("expected a codestream in the container, found {} bytes", codestream.size());
      return Frames(decoder.get(), codestream, view).read();
    }
    default:
      return corrupt("expected the signature of a codestream or a container, found other {} bytes", bytes.size());
  }
}

}  // namespace

extern const CodecDescriptor jxl_codec;
const CodecDescriptor jxl_codec{.name = "jxl",
                                .alias = "",
                                .title = "jxl: pictures without or with loss, 1 to 4 channels of uint8",
                                .is_lossy = true,
                                .is_compressed = true,
                                .is_plain = false,
                                .has_block_size = false,
                                .options = kOptions,
                                .unread_by = "tensorstore, WEBKNOSSOS",
                                .supports = supports,
                                .check_size = check_size,
                                .encode = encode,
                                .most_bytes = most_bytes,
                                .decode = decode};

}  // namespace ngforge
