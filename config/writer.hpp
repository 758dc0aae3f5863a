// Writes a configuration as YAML.
#pragma once

#include "config/node.hpp"

#include <string>

namespace greenroom::config {

/// Formats the effective configuration with every key, in the order of the README. With
/// `mask_secrets`, values of `env` with a secret-like key and passwords in URLs are replaced by
/// `***`. Without it, loading the text again gives the same configuration.
std::string to_yaml(const node& whole, bool mask_secrets = false);

}  // namespace greenroom::config
