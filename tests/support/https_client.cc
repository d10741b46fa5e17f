#include "tests/support/https_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <stdexcept>

#include "tests/support/net.h"

namespace dbpool::test {
namespace {

constexpr time_t kTimeoutSeconds = 30;

[[noreturn]] void fail(const std::string& what) {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  throw std::runtime_error("HTTPS: " + what + ": " +
                           (reason == nullptr ? "closed" : reason));
}

void require(bool holds, const std::string& what) {
  if (!holds) fail(what);
}

// A client that OpenSSL's defaults do not hold back.
ssl_ctx_st* make_context(const HttpsOptions& options) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  require(context != nullptr, "context");
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context, options.max_version);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  require(
      SSL_CTX_load_verify_locations(context, options.ca.c_str(), nullptr) == 1,
      "CA");
  if (!options.tls12_ciphers.empty()) {
    require(
        SSL_CTX_set_cipher_list(context, options.tls12_ciphers.c_str()) == 1,
        "ciphers");
  }
  if (!options.certificate.empty()) {
    require(SSL_CTX_use_certificate_chain_file(
                context, options.certificate.c_str()) == 1 &&
                SSL_CTX_use_PrivateKey_file(context, options.key.c_str(),
                                            SSL_FILETYPE_PEM) == 1,
            "client certificate");
  }
  return context;
}

}  // namespace

void HttpsConnection::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }
void HttpsConnection::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

HttpsConnection::HttpsConnection(int port, const HttpsOptions& options)
    : authorization_(options.authorization),
      socket_(connect_to(port)),
      context_(make_context(options)),
      ssl_(SSL_new(context_.get())) {
  // OpenSSL writes without MSG_NOSIGNAL.
  [[maybe_unused]] static const auto ignored = std::signal(SIGPIPE, SIG_IGN);
  const int yes = 1;  // else a first request waits for a delayed ACK
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  const timeval timeout = {kTimeoutSeconds, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout,
               sizeof(timeout));
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout,
               sizeof(timeout));
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), "127.0.0.1");
  SSL_set_fd(ssl_.get(), socket_.get());
  ERR_clear_error();
  require(SSL_connect(ssl_.get()) == 1, "handshake");
}

HttpsConnection::~HttpsConnection() { SSL_shutdown(ssl_.get()); }

std::string HttpsConnection::version() const {
  return SSL_get_version(ssl_.get());
}

std::string HttpsConnection::server_serial() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  BIGNUM* number =
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  char* text = BN_bn2hex(number);
  std::string serial = text;
  OPENSSL_free(text);
  BN_free(number);
  return serial;
}

HttpResponse HttpsConnection::get(const std::string& target) {
  std::string request = "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  if (!authorization_.empty()) {
    request += "Authorization: " + authorization_ + "\r\n";
  }
  request += "\r\n";
  send(request);
  HttpResponse response;
  const std::string first = take_line();
  if (!first.starts_with("HTTP/1.1 ")) fail("not HTTP: " + first);
  response.status = std::stoi(first.substr(9, 3));
  for (std::string line = take_line(); !line.empty(); line = take_line()) {
    std::string name = line.substr(0, line.find(':'));
    std::ranges::transform(name, name.begin(), [](unsigned char c) {
      return static_cast<char>(std::tolower(c));
    });
    response.headers[name] = line.substr(line.find(':') + 2);
  }
  const std::size_t length = std::stoul(response.headers.at("content-length"));
  while (buffer_.size() < length) read_more();
  response.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return response;
}

void HttpsConnection::send(const std::string& bytes) {
  ERR_clear_error();
  require(
      SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0,
      "write");
}

std::string HttpsConnection::receive_until(const std::string& mark) {
  std::size_t at = 0;
  while ((at = buffer_.find(mark)) == std::string::npos) read_more();
  std::string taken = buffer_.substr(0, at + mark.size());
  buffer_.erase(0, at + mark.size());
  return taken;
}

void HttpsConnection::read_more() {
  std::array<char, 16384> bytes;
  ERR_clear_error();
  const int count = SSL_read(ssl_.get(), bytes.data(), bytes.size());
  require(count > 0, "read");
  buffer_.append(bytes.data(), static_cast<std::size_t>(count));
}

std::string HttpsConnection::take_line() {
  std::string line = receive_until("\r\n");
  line.resize(line.size() - 2);
  return line;
}

HttpResponse https_get(int port, const std::string& target,
                       const HttpsOptions& options) {
  return HttpsConnection(port, options).get(target);
}

}  // namespace dbpool::test
