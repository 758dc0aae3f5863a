// When the time of these tests begins.
#pragma once

namespace greenroom::runtime {

constexpr double start_s = 1'700'000'000;

}  // namespace greenroom::runtime
