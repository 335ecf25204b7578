// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace ngforge {

/// What a dataset is called: the last part of its place, without the spelling of a format around it and without the
/// suffixes of volume files; a pattern is called as its folder is. Standard input is "stdin". Never empty, never with
/// '/'.
std::string dataset_name(const std::string& place);

}  // namespace ngforge
