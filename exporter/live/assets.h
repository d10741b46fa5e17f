// The files of the live page, which the build puts into the program.
//
// Thread-safety: constants.
#ifndef DBPOOL_EXPORTER_LIVE_ASSETS_H_
#define DBPOOL_EXPORTER_LIVE_ASSETS_H_

#include <array>
#include <string_view>

namespace dbpool::exporter::assets {

struct Asset {
  std::string_view name;
  std::string_view bytes;
};

// By CMakeLists.txt.
extern const Asset kLandingHtml;
extern const Asset kLiveCss;
extern const Asset kDygraphCss;  // dygraphs', as Debian packages it
extern const Asset kDygraphJs;
extern const Asset kLiveJs;
extern const Asset kHistoryJs;
extern const Asset kSourceJs;
extern const Asset kWordsJs;
extern const Asset kDomJs;
extern const Asset kChartsJs;
extern const Asset kPoolViewJs;

// Under /assets/.
inline constexpr std::array<const Asset*, 10> kServed = {
    &kLiveCss,  &kDygraphCss, &kDygraphJs, &kLiveJs,   &kHistoryJs,
    &kSourceJs, &kWordsJs,    &kDomJs,     &kChartsJs, &kPoolViewJs};

}  // namespace dbpool::exporter::assets

#endif  // DBPOOL_EXPORTER_LIVE_ASSETS_H_
