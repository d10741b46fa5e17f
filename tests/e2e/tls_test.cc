// The exporter with TLS to the database, and its secrets: the settings of the
// seed's SSL section on the real program.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>

#include "tests/e2e/exporter.h"
#include "tests/support/certificates.h"
#include "tests/support/prometheus.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using Variables = std::map<std::string, std::string>;

class TlsE2eTest : public ::testing::Test {
 protected:
  TlsE2eTest() : postgres_(server_options()) { create_planted_role(postgres_); }

  PostgresOptions server_options() const {
    const KeyPair own =
        ca_.issue({.common_name = "db", .alternative_names = "IP:127.0.0.1"});
    PostgresOptions options = with_tls(own);
    options.config.emplace_back("ssl_ca_file = 'root.crt'");
    options.files["root.crt"] = ca_.certificate();
    options.hba = {
        "hostssl all planted 127.0.0.1/32 scram-sha-256 clientcert=verify-full",
        "host all planted 127.0.0.1/32 reject"};
    return options;
  }

  Variables variables() const {
    return {{"DB_SSL", "true"},
            {"DB_SSL_CA", base64(ca_.certificate(), true)},
            {"DB_SSL_CERT", base64(client_.certificate)},
            {"DB_SSL_KEY", base64(client_.key)}};
  }
  ExporterOptions with(Variables env) const {
    return {.database_url = planted_url(postgres_), .env = std::move(env)};
  }
  std::string proc(Exporter& exporter, const std::string& name) const {
    return read_file("/proc/" + std::to_string(exporter.pid()) + "/" + name);
  }

  static bool is_up(const MetricsPage& page) {
    return page.value("dbpool_up") == 1;
  }

  const CertificateAuthority ca_{"Test CA"};
  const KeyPair client_ = ca_.issue({.common_name = std::string(kPlantedUser)});
  Postgres postgres_;
};

TEST_F(TlsE2eTest, TheCertificatesOfTheSeedOpenAndAreWatched) {
  Exporter exporter(with(variables()));
  ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return is_up(page) && page.value("dbpool_tls_info") == 1;
  })) << exporter.output();
  const MetricsPage page = exporter.page();
  EXPECT_EQ(page.label_values("dbpool_tls_info", "version"),
            std::set<std::string>{"TLSv1.3"});
  const std::string expiry = "dbpool_tls_certificate_expiry_timestamp_seconds";
  EXPECT_EQ(page.type(expiry), "gauge");
  EXPECT_EQ(page.label_values(expiry, "certificate"),
            (std::set<std::string>{"ca", "client", "server"}));
  const double now = std::chrono::duration<double>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
  EXPECT_NEAR(*page.value(expiry, {{"certificate", "server"}}), now + 24 * 3600,
              3600);
  EXPECT_NEAR(*page.value(expiry, {{"certificate", "ca"}}), now + 48 * 3600,
              3600);
  EXPECT_EQ(promtool_check_metrics(page.text()), "");
}

TEST_F(TlsE2eTest, FilesServeAsWellAsVariables) {
  const TempDir folder;
  Variables env;
  const auto put = [&](const std::string& name, const std::string& text) {
    write_file(folder.path() + "/" + name, text + "\n");
    env[name + "_FILE"] = folder.path() + "/" + name;
  };
  put("DATABASE_URL", planted_url(postgres_));
  put("DB_SSL_CA", ca_.certificate());
  put("DB_SSL_CERT", client_.certificate);
  put("DB_SSL_KEY", base64(client_.key));
  Exporter exporter({.env = env});
  EXPECT_TRUE(exporter.eventually_page(is_up)) << exporter.output();
}

TEST_F(TlsE2eTest, FilesInTheUrlAloneMeanTlsThatVerifies) {
  const TempDir folder;
  const auto put = [&](const std::string& name, const std::string& text) {
    write_file(folder.path() + "/" + name, text);
    std::filesystem::permissions(folder.path() + "/" + name,
                                 std::filesystem::perms(0600));
  };
  put("app.pem", client_.certificate);
  put("app.key", client_.key);
  const std::string url = planted_url(postgres_) + "?sslcert=" + folder.path() +
                          "/app.pem&sslkey=" + folder.path() +
                          "/app.key&sslrootcert=";

  Exporter missing({.database_url = url + folder.path() + "/root.pem"});
  EXPECT_EQ(missing.wait(), 2);
  EXPECT_THAT(lines_of(missing.output()), SizeIs(1)) << missing.output();
  EXPECT_THAT(missing.output(), HasSubstr("No such file or directory"));

  put("root.pem", ca_.certificate());
  Exporter exporter({.database_url = url + folder.path() + "/root.pem"});
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return is_up(page) && page.value("dbpool_tls_info") == 1;
  })) << exporter.output();
  EXPECT_TRUE(exporter.wait_for_log(
      "sslmode=verify-full.*sslmode_from=\"sslrootcert in DATABASE_URL\""));

  // Of the system's roots none has signed it.
  Exporter stranger({.database_url = url + "system"});
  EXPECT_TRUE(stranger.wait_for_log("reason=tls.*unknown CA.*CN=Test CA"));
}

TEST_F(TlsE2eTest, WithoutACaTheRootsOfTheSystemAreTrusted) {
  const TempDir folder;
  const std::string roots = folder.path() + "/roots.crt";
  const std::string own = read_file("/etc/ssl/certs/ca-certificates.crt");
  ASSERT_FALSE(own.empty());
  Variables env = variables();
  env.erase("DB_SSL_CA");
  env["SSL_CERT_FILE"] = roots;

  write_file(roots, own);
  Exporter stranger(with(env));
  EXPECT_TRUE(stranger.wait_for_log("reason=tls.*unknown CA.*CN=Test CA"));

  write_file(roots, own + ca_.certificate());
  Exporter trusting(with(env));
  EXPECT_TRUE(trusting.eventually_page(is_up)) << trusting.output();
}

TEST_F(TlsE2eTest, AWrongCaIsCountedAsTlsWithCauseAndCure) {
  Variables env = variables();
  env["DB_SSL_CA"] = base64(CertificateAuthority("Stranger").certificate());
  Exporter exporter(with(env));
  EXPECT_TRUE(
      exporter.wait_for_log("reason=tls.*unknown CA.*CN=Test CA.*DB_SSL_CA"));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_connection_failures_total", {{"reason", "tls"}}) >
           0;
  }));
}

TEST_F(TlsE2eTest, NoVerificationWorksWithOneWarning) {
  const TempDir home;
  const std::string stranger = CertificateAuthority("Stranger").certificate();
  const std::string root = home.path() + "/.postgresql/root.crt";
  std::filesystem::create_directory(home.path() + "/.postgresql");
  write_file(root, stranger);
  Variables env = variables();
  env["HOME"] = home.path();
  env["PGSSLROOTCERT"] = root;
  env["DB_SSL_CA"] = base64(stranger);
  env["DB_SSL_REJECT_UNAUTHORIZED"] = "false";
  Exporter exporter(with(env));
  EXPECT_TRUE(exporter.eventually_page(is_up)) << exporter.output();
  std::size_t warnings = 0;
  for (const std::string& line : lines_of(exporter.output())) {
    warnings += line.find("level=warn") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(warnings, 1U) << exporter.output();
}

TEST_F(TlsE2eTest, FilesInTheHomeCountForNothing) {
  const TempDir home;
  const std::string folder = home.path() + "/.postgresql";
  std::filesystem::create_directory(folder);
  write_file(folder + "/root.crt",
             CertificateAuthority("Stranger").certificate());
  write_file(folder + "/postgresql.crt", client_.certificate);
  write_file(folder + "/postgresql.key", client_.key);
  std::filesystem::permissions(folder + "/postgresql.key",
                               std::filesystem::perms(0600));
  Exporter exporter(with({{"HOME", home.path()}, {"PGSSLMODE", "require"}}));
  // Through with the server's certificate, and without one of its own.
  EXPECT_TRUE(
      exporter.wait_for_log("reason=tls.*valid client certificate.*"
                            "DB_SSL_CERT and DB_SSL_KEY"));
}

TEST_F(TlsE2eTest, EachMistakeIsOneLineAndExitCodeTwo) {
  const KeyPair expired = ca_.issue({.common_name = std::string(kPlantedUser),
                                     .begins = hours(-2),
                                     .ends = hours(-1)});
  const KeyPair other = ca_.issue({.common_name = "other"});
  const TempDir folder;
  struct Case {
    Variables change;
    const char* words;
  };
  const Case cases[] = {
      {{{"DB_SSL_CA", "pl4nt!"}}, "DB_SSL_CA: is not base64"},
      {{{"DB_SSL_CA", base64("S3cret")}}, "DB_SSL_CA: is no PEM"},
      {{{"DB_SSL_CA", "/etc/ssl/certs/own.pem"}},
       "; a path belongs in DB_SSL_CA_FILE"},
      {{{"DB_SSL_KEY", "tls.key"}}, "; a path belongs in DB_SSL_KEY_FILE"},
      {{{"DB_SSL_KEY", base64(other.key)}}, "DB_SSL_KEY: does not match"},
      {{{"DB_SSL_KEY", ""}}, "DB_SSL_CERT: is given without its key"},
      {{{"DB_SSL_KEY", base64(encrypted_key(client_.key, "pl4nt"))}},
       "DB_SSL_KEY: is encrypted"},
      {{{"DB_SSL_CERT", base64(expired.certificate)},
        {"DB_SSL_KEY", base64(expired.key)}},
       "DB_SSL_CERT: expired on"},
      {{{"DB_SSL", "false"}}, "DB_SSL_CA contradicts DB_SSL=false"},
      {{{"DB_SSL_CA_FILE", folder.path() + "/ca"}},
       "DB_SSL_CA_FILE contradicts DB_SSL_CA"},
      {{{"DB_SSL_CA", ""}, {"DB_SSL_CA_FILE", folder.path() + "/none"}},
       "DB_SSL_CA_FILE="},
      {{{"DB_SSL_CA", ""}, {"DB_SSL_CA_FILE", folder.path()}},
       "DB_SSL_CA_FILE="},
  };
  for (const Case& each : cases) {
    Variables env = variables();
    for (const auto& [name, value] : each.change) env[name] = value;
    Exporter exporter(with(env));
    EXPECT_EQ(exporter.wait(), 2) << each.words;
    EXPECT_THAT(lines_of(exporter.output()), SizeIs(1)) << exporter.output();
    EXPECT_THAT(exporter.output(), HasSubstr(each.words));
  }
}

TEST_F(TlsE2eTest, NobodySeesSecretsInTheProcessTable) {
  ExporterOptions options = with(variables());
  options.env["PGPASSWORD"] = kPlantedPassword;
  options.env["OTHER_URL"] = "postgresql://u:pl4nt@h/db";
  options.args = {"--probe.select_1.sql=SELECT 'password=pl4nt'"};
  Exporter exporter(options);
  ASSERT_TRUE(exporter.eventually_page(is_up)) << exporter.output();
  const std::string environment = proc(exporter, "environ");
  expect_no_secret(environment, "environ");
  EXPECT_EQ(environment.find(base64(client_.key)), std::string::npos);
  EXPECT_THAT(environment, HasSubstr("DB_SSL=true"));
  const std::string arguments = proc(exporter, "cmdline");
  expect_no_secret(arguments, "cmdline");
  EXPECT_THAT(arguments, HasSubstr("--probe.select_1.sql=***"));
}

TEST_F(TlsE2eTest, AnOrdinaryUserWithoutDumpsStillReadsItsOwnFiles) {
  // Needs root to become somebody else; as anybody else it is that already.
  const bool is_root = ::geteuid() == 0;
  ChildOptions child;
  child.program = DBPOOL_EXPORTER_PROGRAM;
  child.args = {"--web.listen-address=127.0.0.1:0"};
  child.env = variables();
  child.env["DB_LOG_QUERIES"] = "false";
  child.env["DATABASE_URL"] = planted_url(postgres_);
  if (is_root) child.uid = child.gid = 65534;
  const TempDir folder;
  if (is_root) {
    // The build's folder may be closed to others.
    child.program = folder.path() + "/exporter";
    std::filesystem::copy_file(DBPOOL_EXPORTER_PROGRAM, child.program);
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  }
  Process process(child);
  const auto line =
      process.wait_for_line("listening.*127\\.0\\.0\\.1:([0-9]+)", kLiveness);
  ASSERT_TRUE(line) << process.output();
  const int port = std::stoi(line->substr(line->rfind(':') + 1));
  const auto deadline = std::chrono::steady_clock::now() + kLiveness;
  MetricsPage page(http_get(port, "/metrics").body);
  while (!is_up(page) && std::chrono::steady_clock::now() < deadline) {
    page = MetricsPage(http_get(port, "/metrics").body);
  }
  EXPECT_TRUE(is_up(page)) << process.output();
  EXPECT_GT(page.value("process_open_fds").value_or(0), 3);
  EXPECT_GT(page.value("process_resident_memory_bytes").value_or(0), 1e6);
  EXPECT_GT(page.value("process_start_time_seconds").value_or(0), 1e9);
  if (!is_root) return;
  const std::string environment =
      "/proc/" + std::to_string(process.pid()) + "/environ";
  expect_no_secret(read_file(environment), "environ");
  // The kernel gives what is not dumpable to root.
  struct stat facts = {};
  ASSERT_EQ(::stat(environment.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_uid, 0U);
  child.args.emplace_back("--debug.dumpable=true");
  Process dumpable(child);
  ASSERT_TRUE(dumpable.wait_for_line("listening", kLiveness));
  const std::string other =
      "/proc/" + std::to_string(dumpable.pid()) + "/environ";
  ASSERT_EQ(::stat(other.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_uid, 65534U);
}

TEST(SecretsTest, PgpassAndServiceFilesWorkThroughLibpq) {
  Postgres postgres;
  create_planted_role(postgres);
  const TempDir folder;
  const std::string port = std::to_string(postgres.port());
  write_file(folder.path() + "/pgpass",
             "127.0.0.1:" + port +
                 ":postgres:planted:" + std::string(kPlantedPassword) + "\n");
  std::filesystem::permissions(folder.path() + "/pgpass",
                               std::filesystem::perms(0600));
  write_file(folder.path() + "/services",
             "[orders]\nhost=127.0.0.1\nport=" + port +
                 "\nuser=planted\ndbname=postgres\n");
  Exporter exporter({.database_url = "postgresql:///?service=orders",
                     .env = {{"PGPASSFILE", folder.path() + "/pgpass"},
                             {"PGSERVICEFILE", folder.path() + "/services"}}});
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_up") == 1;
  })) << exporter.output();
}

}  // namespace
}  // namespace dbpool::test
