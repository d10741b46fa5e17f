#include "pool/src/tls/handshake_record.h"

#include <openssl/ssl.h>
#include <openssl/ssl3.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <span>

#include "pool/src/tls/pem.h"

namespace dbpool::detail {
namespace {

constexpr std::size_t kMaxNames = 10;

// Of the innermost Recording of this thread.
thread_local HandshakeRecord* current = nullptr;

// OpenSSL calls from C: nothing may be thrown. What is lost is a part of a
// message.
template <typename Function>
void guarded(Function function) noexcept {
  try {
    function();
  } catch (const std::exception&) {
    // Out of memory: the record stays as it is.
  }
}

bool is_enforced(X509_STORE_CTX* context) {
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(
      context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  return ssl != nullptr && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;
}

void note_distrust(X509_STORE_CTX* context, HandshakeRecord& record) {
  Distrust distrust;
  distrust.error = X509_STORE_CTX_get_error(context);
  distrust.depth = X509_STORE_CTX_get_error_depth(context);
  if (const X509* bad = X509_STORE_CTX_get_current_cert(context)) {
    distrust.subject = subject_of(*bad);
    distrust.issuer = issuer_of(*bad);
    distrust.begins = not_before(*bad);
    distrust.ends = not_after(*bad);
  }
  record.distrust = std::move(distrust);
}

void note_chain(X509_STORE_CTX* context, HandshakeRecord& record) {
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
  for (int i = 1; i < sk_X509_num(chain); ++i) {
    const WallTime end = not_after(*sk_X509_value(chain, i));
    record.chain_expiry = std::min(record.chain_expiry.value_or(end), end);
  }
}

int verify_and_note(X509_STORE_CTX* context, void*) {
  const int trusted = X509_verify_cert(context);
  if (HandshakeRecord* const record = current) {
    guarded([&] {
      if (const X509* server = X509_STORE_CTX_get0_cert(context)) {
        record->server_names = names_of(*server, kMaxNames);
      }
      if (trusted == 1) {
        note_chain(context, *record);
      } else if (is_enforced(context)) {
        note_distrust(context, *record);
      }
    });
  }
  return std::max(trusted, 0);
}

void note_state(const SSL*, int where, int) {
  if (current != nullptr && (where & SSL_CB_HANDSHAKE_DONE) != 0) {
    current->done = true;
  }
}

// The list of certificates in a message may be empty: its header and lengths
// take 7 bytes up to TLS 1.2 and 8 in TLS 1.3.
constexpr std::size_t kEmptyCertificate = 8;

void note_message(int is_sent, int, int type, const void* bytes,
                  std::size_t size, SSL*, void*) {
  HandshakeRecord* const record = current;
  if (record == nullptr || size < 2) return;
  const std::span message(static_cast<const unsigned char*>(bytes), size);
  if (type == SSL3_RT_ALERT && is_sent == 0 && message[0] == SSL3_AL_FATAL) {
    record->alert = message[1];
  }
  if (type != SSL3_RT_HANDSHAKE) return;
  if (message[0] == SSL3_MT_CERTIFICATE_REQUEST && is_sent == 0) {
    record->certificate_requested = true;
  }
  if (message[0] == SSL3_MT_CERTIFICATE && is_sent != 0) {
    record->certificate_sent = size > kEmptyCertificate;
  }
}

void on_new_context(void* parent, void*, CRYPTO_EX_DATA*, int, long, void*) {
  if (current == nullptr) return;
  // libpq may have tried before, on the same PGconn.
  *current = HandshakeRecord();
  current->began = true;
  auto* const context = static_cast<SSL_CTX*>(parent);
  SSL_CTX_set_cert_verify_callback(context, verify_and_note, nullptr);
  SSL_CTX_set_info_callback(context, note_state);
  SSL_CTX_set_msg_callback(context, note_message);
}

SSL* ssl_of(PGconn* connection) {
  return static_cast<SSL*>(PQsslStruct(connection, "OpenSSL"));
}

std::string attribute(PGconn* connection, const char* name) {
  const char* const value = PQsslAttribute(connection, name);
  return value == nullptr ? "" : value;
}

}  // namespace

Recording::Recording(HandshakeRecord& record) noexcept {
  // Once for the process: OpenSSL never forgets an index.
  static const int kIndex =
      SSL_CTX_get_ex_new_index(0, nullptr, on_new_context, nullptr, nullptr);
  static_cast<void>(kIndex);
  current = &record;
}

Recording::~Recording() { current = nullptr; }

TlsStats read_tls(PGconn* connection, const HandshakeRecord& record) {
  TlsStats tls;
  SSL* const ssl = ssl_of(connection);
  if (ssl == nullptr) return tls;
  tls.version = attribute(connection, "protocol");
  tls.cipher = attribute(connection, "cipher");
  if (const X509* server = SSL_get0_peer_certificate(ssl)) {
    tls.server = not_after(*server);
  }
  if (const X509* client = SSL_get_certificate(ssl)) {
    tls.client = not_after(*client);
  }
  tls.ca = record.chain_expiry;
  return tls;
}

std::string client_name(PGconn* connection) {
  const SSL* const ssl = ssl_of(connection);
  const X509* const client =
      ssl == nullptr ? nullptr : SSL_get_certificate(ssl);
  return client == nullptr ? "" : common_name_of(*client);
}

void stop_recording(PGconn* connection) noexcept {
  SSL* const ssl = ssl_of(connection);
  if (ssl == nullptr) return;
  SSL_set_info_callback(ssl, nullptr);
  SSL_set_msg_callback(ssl, nullptr);
}

}  // namespace dbpool::detail
