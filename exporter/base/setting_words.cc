#include "exporter/base/setting_words.h"

#include <array>
#include <string_view>

namespace dbpool::exporter {

namespace {

struct Word {
  std::string_view pool, setting;
};

constexpr std::string_view kMark = "PoolOptions::";

constexpr std::array kWords = {
    Word{", or set PoolOptions::max_prepared_statements to 0", ""},
    Word{"PoolOptions::max_connections", "DB_POOL_MAX"},
    Word{"PoolOptions::min_connections", "DB_POOL_MIN"},
    Word{"PoolOptions::max_waiting_requests", "DB_MAX_WAITING"},
    Word{"PoolOptions::acquire_timeout", "DB_CONNECTION_TIMEOUT_MS"},
    Word{"PoolOptions::pipeline_depth", "DB_POOL_PIPELINE"},
};

}  // namespace

std::string in_setting_words(std::string message) {
  if (message.find(kMark) == std::string::npos) return message;
  for (const Word& word : kWords) {
    for (auto at = message.find(word.pool); at != std::string::npos;
         at = message.find(word.pool, at + word.setting.size())) {
      message.replace(at, word.pool.size(), word.setting);
    }
  }
  return message;
}

}  // namespace dbpool::exporter
