#ifndef DBPOOL_TESTS_SUPPORT_HTTPS_CLIENT_H_
#define DBPOOL_TESTS_SUPPORT_HTTPS_CLIENT_H_

#include <map>
#include <memory>
#include <string>

#include "tests/support/http_client.h"
#include "tests/support/unique_fd.h"

struct ssl_st;
struct ssl_ctx_st;

namespace dbpool::test {

struct HttpsOptions {
  std::string ca;           // a PEM file; the server's name is 127.0.0.1
  std::string certificate;  // the client's own, with its key; empty: none
  std::string key;
  std::string authorization;  // the value of Authorization; empty: none
  int max_version = 0;        // OpenSSL's number; 0: the highest
  std::string tls12_ciphers;  // OpenSSL's list; empty: its own choice
};

// One connection to 127.0.0.1:port over TLS, kept open. Throws
// std::runtime_error when the handshake fails, or no whole response comes
// within 30 s. One thread at a time.
class HttpsConnection {
 public:
  HttpsConnection(int port, const HttpsOptions& options);
  ~HttpsConnection();
  HttpsConnection(const HttpsConnection&) = delete;
  HttpsConnection& operator=(const HttpsConnection&) = delete;

  HttpResponse get(const std::string& target);

  void send(const std::string& bytes);
  // What comes up to `mark`, and that; of a response that goes on.
  std::string receive_until(const std::string& mark);

  std::string version() const;        // "TLSv1.3"
  std::string server_serial() const;  // of its certificate

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
    void operator()(ssl_ctx_st* context) const;
  };

  void read_more();
  std::string take_line();

  const std::string authorization_;
  UniqueFd socket_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::unique_ptr<ssl_st, Free> ssl_;
  std::string buffer_;
};

// One request over a connection of its own.
HttpResponse https_get(int port, const std::string& target,
                       const HttpsOptions& options);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_HTTPS_CLIENT_H_
