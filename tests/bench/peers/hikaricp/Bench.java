import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** HikariCP over the JDBC driver, which speaks TCP only. */
public final class Bench {
  private enum Phase {
    WARM_UP,
    MEASURED,
    OVER
  }

  private static final String SELECT = "SELECT 1";
  private static volatile Phase phase = Phase.WARM_UP;

  /** What one thread did; waits in nanoseconds. */
  private static final class Client extends Thread {
    private final HikariDataSource pool;
    private final boolean queries;
    long count = 0;
    long[] waits = new long[1 << 12];

    Client(HikariDataSource pool, boolean queries) {
      this.pool = pool;
      this.queries = queries;
    }

    @Override
    public void run() {
      try {
        for (Phase now = phase; now != Phase.OVER; now = phase) {
          final long wait = operate();
          if (now == Phase.MEASURED) note(wait);
        }
      } catch (SQLException e) {
        e.printStackTrace();
        System.exit(1);
      }
    }

    private long operate() throws SQLException {
      if (!queries) {
        pool.getConnection().close();
        return 0;
      }
      final long start = System.nanoTime();
      try (Connection connection = pool.getConnection()) {
        final long wait = System.nanoTime() - start;
        try (PreparedStatement statement = connection.prepareStatement(SELECT);
            ResultSet rows = statement.executeQuery()) {
          if (!rows.next() || rows.getInt(1) != 1) throw new SQLException("not 1");
        }
        return wait;
      }
    }

    private void note(long wait) {
      if (queries) {
        if (count == waits.length) waits = Arrays.copyOf(waits, 2 * waits.length);
        waits[(int) count] = wait;
      }
      ++count;
    }
  }

  private static double number(String name) {
    return Double.parseDouble(System.getenv(name));
  }

  private static void sleep(String name) throws InterruptedException {
    Thread.sleep((long) (1000 * number(name)));
  }

  private static double cpuSeconds() {
    final var system =
        (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return system.getProcessCpuTime() / 1e9;
  }

  private static HikariDataSource openPool() {
    final HikariConfig config = new HikariConfig();
    config.setJdbcUrl(
        String.format(
            "jdbc:postgresql://%s:%s/%s?sslmode=disable&prepareThreshold=1",
            System.getenv("PGHOST"), System.getenv("PGPORT"), System.getenv("PGDATABASE")));
    config.setUsername(System.getenv("PGUSER"));
    config.setMaximumPoolSize((int) number("BENCH_CONNECTIONS"));
    config.setConnectionTimeout(60000);
    return new HikariDataSource(config);
  }

  private static String waitsOf(List<Client> clients) {
    final long[] waits =
        clients.stream()
            .flatMapToLong(client -> Arrays.stream(client.waits, 0, (int) client.count))
            .sorted()
            .toArray();
    final int last = waits.length - 1;
    return String.format(
        Locale.ROOT,
        "[%.1f,%.1f,%.1f]",
        waits[last / 2] / 1e3,
        waits[(int) (0.99 * last)] / 1e3,
        waits[last] / 1e3);
  }

  public static void main(String[] arguments) throws Exception {
    final HikariDataSource pool = openPool();
    final boolean queries = number("BENCH_QUERIES") > 0;
    final List<Client> clients = new ArrayList<>();
    for (int i = 0; i < number("BENCH_CLIENTS"); ++i) {
      clients.add(new Client(pool, queries));
      clients.get(i).start();
    }
    // Until the compiler is done with it.
    Thread.sleep(2000);
    sleep("BENCH_WARM_UP");
    final double cpuBefore = cpuSeconds();
    final long start = System.nanoTime();
    phase = Phase.MEASURED;
    sleep("BENCH_SECONDS");
    phase = Phase.OVER;
    final double elapsed = (System.nanoTime() - start) / 1e9;
    final double cpu = cpuSeconds() - cpuBefore;
    for (Client client : clients) client.join();

    final double count = clients.stream().mapToLong(client -> client.count).sum();
    final String memory =
        Files.readString(Path.of("/proc/self/status"))
            .replaceAll("(?s).*VmHWM:\\s+(\\d+).*", "$1");
    System.out.printf(
        Locale.ROOT,
        "{\"per_second\":%.1f,\"cpu_ms_per_1000\":%.6f,\"wait_us\":%s,\"peak_memory_kib\":%s}%n",
        count / elapsed,
        cpu / count * 1e6,
        queries ? waitsOf(clients) : "null",
        memory);
    System.exit(0);
  }
}
