#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include "dbpool/tls.h"
#include "pool/src/base/unique_fd.h"
#include "pool/src/tls/pem.h"

namespace dbpool {

using detail::UniqueFd;
using Source = TlsProblem::Source;

namespace {

using Digest = std::array<unsigned char, 32>;

// A file in memory, and the SHA-256 of what is in it.
struct Sealed {
  UniqueFd file;
  Digest digest = {};
};

}  // namespace

struct TlsMaterial::Files {
  Sealed ca, certificate, key;
  std::string ca_path, certificate_path, key_path;
  std::optional<WallTime> ca_expiry, client_expiry;
};

namespace {

constexpr char kDebianRoots[] = "/etc/ssl/certs/ca-certificates.crt";

using Certificates = std::vector<detail::Certificate>;

// PEM, overwritten when it goes: it may be a key.
class Pem {
 public:
  Pem() = default;
  explicit Pem(std::string text) : text_(std::move(text)) {}
  ~Pem() { OPENSSL_cleanse(text_.data(), text_.size()); }
  Pem(Pem&& other) noexcept : text_(std::move(other.text_)) {}
  Pem(const Pem&) = delete;
  Pem& operator=(const Pem&) = delete;
  Pem& operator=(Pem&&) = delete;

  std::string_view text() const noexcept { return text_; }

 private:
  std::string text_;
};

tl::unexpected<TlsProblem> problem(Source source, std::string text) {
  return tl::unexpected(TlsProblem{source, std::move(text)});
}

// nullopt: neither.
std::optional<Pem> decode(std::string_view pem_or_base64) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  if (pem_or_base64.find(kBegin) != std::string_view::npos) {
    return std::make_optional<Pem>(std::string(pem_or_base64));
  }
  auto decoded = detail::decode_base64(pem_or_base64);
  if (!decoded) return std::nullopt;
  return std::make_optional<Pem>(std::move(*decoded));
}

constexpr char kNotBase64[] =
    "is not base64; expected PEM encoded as `base64 -w 0` prints it";
constexpr char kNoCertificate[] =
    "is no PEM certificate once decoded, or a damaged one; expected -----BEGIN "
    "CERTIFICATE----- … encoded by base64";
constexpr char kNoKey[] =
    "is no PEM private key once decoded, or a damaged one; expected -----BEGIN "
    "PRIVATE KEY----- … encoded by base64";
constexpr char kEncrypted[] =
    "is encrypted; expected a key without passphrase, as `openssl pkey` writes "
    "it";
constexpr char kMismatch[] =
    "does not match the certificate; expected the key that the certificate "
    "was made for";
constexpr char kNoMemory[] =
    "cannot be kept in a memory file; expected memfd_create(2) to work";

// Not valid at `now`, or nullopt.
std::optional<std::string> out_of_time(const X509& certificate, WallTime now) {
  const WallTime end = detail::not_after(certificate);
  const WallTime begin = detail::not_before(certificate);
  if (end < now) {
    return "expired on " + detail::rfc3339(end) +
           "; expected a certificate that is valid now";
  }
  if (begin > now) {
    return "is not valid before " + detail::rfc3339(begin) +
           "; expected a certificate that is valid now (is the clock right?)";
  }
  return std::nullopt;
}

WallTime earliest_expiry(const Certificates& certificates) {
  auto earliest = WallTime::max();
  for (const auto& certificate : certificates) {
    earliest = std::min(earliest, detail::not_after(*certificate));
  }
  return earliest;
}

// A sealed file in memory with `text`; -1: the system gave none.
UniqueFd seal(const char* name, std::string_view text) {
  UniqueFd file(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file.get() < 0) return file;
  // libpq refuses a key that others could read.
  bool whole = fchmod(file.get(), S_IRUSR | S_IWUSR) == 0;
  while (whole && !text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    whole = written > 0;
    if (whole) text.remove_prefix(static_cast<std::size_t>(written));
  }
  constexpr int kSeals =
      F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  whole = whole && fcntl(file.get(), F_ADD_SEALS, kSeals) == 0;
  if (!whole) file.reset();
  return file;
}

// The same with its digest; no file: the system gave none.
Sealed seal_with_digest(const char* name, std::string_view text) {
  Sealed sealed = {.file = seal(name, text)};
  const bool digested =
      EVP_Digest(text.data(), text.size(), sealed.digest.data(), nullptr,
                 EVP_sha256(), nullptr) == 1;
  if (!digested) sealed.file.reset();
  return sealed;
}

std::string path_of(const Sealed& sealed) {
  return "/proc/self/fd/" + std::to_string(sealed.file.get());
}

// Of several roots one must be valid now: bundles keep old ones for long.
std::optional<std::string> out_of_time(const Certificates& roots,
                                       WallTime now) {
  std::optional<std::string> text;
  for (const auto& root : roots) {
    text = out_of_time(*root, now);
    if (!text) break;
  }
  return text;
}

bool exists(const std::string& path) {
  return !path.empty() && ::access(path.c_str(), R_OK) == 0;
}

}  // namespace

std::string_view to_sslmode(TlsVerify verify) noexcept {
  switch (verify) {
    case TlsVerify::kNothing:
      return "require";
    case TlsVerify::kChain:
      return "verify-ca";
    case TlsVerify::kFull:
      break;
  }
  return "verify-full";
}

// --- Loading ---------------------------------------------------------------

namespace {

struct Loaded {
  Sealed sealed;
  Certificates certificates;
};

tl::expected<Loaded, TlsProblem> load_certificates(Source source,
                                                   const std::string& text,
                                                   WallTime now) {
  const auto pem = decode(text);
  if (!pem) return problem(source, kNotBase64);
  Loaded loaded;
  loaded.certificates = detail::read_certificates(pem->text());
  if (loaded.certificates.empty()) return problem(source, kNoCertificate);
  auto wrong = source == Source::kCa
                   ? out_of_time(loaded.certificates, now)
                   : out_of_time(*loaded.certificates.front(), now);
  if (wrong) return problem(source, std::move(*wrong));
  loaded.sealed = seal_with_digest("dbpool-certificates", pem->text());
  if (loaded.sealed.file.get() < 0) return problem(source, kNoMemory);
  return loaded;
}

tl::expected<Sealed, TlsProblem> load_key(const std::string& text,
                                          const X509& certificate) {
  const auto pem = decode(text);
  if (!pem) return problem(Source::kKey, kNotBase64);
  const detail::KeyReading reading = detail::read_private_key(pem->text());
  if (reading.encrypted) return problem(Source::kKey, kEncrypted);
  if (!reading.key) return problem(Source::kKey, kNoKey);
  if (!detail::matches(certificate, *reading.key)) {
    return problem(Source::kKey, kMismatch);
  }
  Sealed sealed = seal_with_digest("dbpool-key", pem->text());
  if (sealed.file.get() < 0) return problem(Source::kKey, kNoMemory);
  return sealed;
}

}  // namespace

TlsMaterial::TlsMaterial(std::unique_ptr<Files> files) noexcept
    : files_(std::move(files)) {}
TlsMaterial::~TlsMaterial() = default;

tl::expected<std::shared_ptr<const TlsMaterial>, TlsProblem>
TlsMaterial::create(const TlsOptions& options, WallTime now) {
  auto files = std::make_unique<Files>();
  if (!options.ca.empty()) {
    auto loaded = load_certificates(Source::kCa, options.ca, now);
    if (!loaded) return tl::unexpected(std::move(loaded.error()));
    files->ca_expiry = earliest_expiry(loaded->certificates);
    files->ca = std::move(loaded->sealed);
    files->ca_path = path_of(files->ca);
  }
  if (options.certificate.empty() && !options.key.empty()) {
    return problem(Source::kKey,
                   "is given without its certificate; expected both or none");
  }
  if (!options.certificate.empty()) {
    if (options.key.empty()) {
      return problem(Source::kCertificate,
                     "is given without its key; expected both or none");
    }
    auto loaded =
        load_certificates(Source::kCertificate, options.certificate, now);
    if (!loaded) return tl::unexpected(std::move(loaded.error()));
    const X509& leaf = *loaded->certificates.front();
    auto key = load_key(options.key, leaf);
    if (!key) return tl::unexpected(std::move(key.error()));
    files->client_expiry = detail::not_after(leaf);
    files->certificate = std::move(loaded->sealed);
    files->key = std::move(*key);
    files->certificate_path = path_of(files->certificate);
    files->key_path = path_of(files->key);
  }
  return std::shared_ptr<const TlsMaterial>(new TlsMaterial(std::move(files)));
}

std::optional<WallTime> TlsMaterial::client_expiry() const noexcept {
  return files_->client_expiry;
}
std::optional<WallTime> TlsMaterial::ca_expiry() const noexcept {
  return files_->ca_expiry;
}
bool TlsMaterial::has_same_contents(const TlsMaterial& other) const noexcept {
  const Files& a = *files_;
  const Files& b = *other.files_;
  return a.ca.digest == b.ca.digest &&
         a.certificate.digest == b.certificate.digest &&
         a.key.digest == b.key.digest;
}
const std::string& TlsMaterial::ca_path() const noexcept {
  return files_->ca_path;
}
const std::string& TlsMaterial::certificate_path() const noexcept {
  return files_->certificate_path;
}
const std::string& TlsMaterial::key_path() const noexcept {
  return files_->key_path;
}

std::string system_roots_file() {
  // Nobody changes the environment while threads run.
  const char* const given =
      std::getenv("SSL_CERT_FILE");  // NOLINT(concurrency-mt-unsafe)
  for (const char* path : {given, kDebianRoots, X509_get_default_cert_file()}) {
    if (path != nullptr && exists(path)) return path;
  }
  return kDebianRoots;
}

}  // namespace dbpool
