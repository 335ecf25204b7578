// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The version of program, library and package. This line is its only source; CMake reads it.
#define NGFORGE_VERSION "0.1.0"
