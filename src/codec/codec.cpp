// SPDX-License-Identifier: Apache-2.0
#include "codec/codec.h"

namespace ngforge {

#define CODEC(name, target) extern const CodecDescriptor name##_codec;
#include "codec/codecs.def"
#undef CODEC

std::span<const CodecDescriptor* const> all_codecs() {
  static constexpr const CodecDescriptor* kCodecs[] = {
#define CODEC(name, target) &name##_codec,
#include "codec/codecs.def"
#undef CODEC
  };
  return kCodecs;
}

const CodecDescriptor* find_codec(std::string_view name) {
  for (const CodecDescriptor* codec : all_codecs())
    if (name == codec->name || (*codec->alias != '\0' && name == codec->alias)) return codec;
  return nullptr;
}

const CodecDescriptor* find_decoder(std::string_view name, DataType type, Index channels) {
  const CodecDescriptor* codec = find_codec(name);
  if (codec == nullptr || codec->supports(type, channels)) return codec;
  return codec->decodes_also != nullptr && codec->decodes_also(type, channels) ? codec : nullptr;
}

}  // namespace ngforge
