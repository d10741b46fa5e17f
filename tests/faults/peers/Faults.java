import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** The service of client_main.cc with HikariCP: the same requests, told in the same lines. */
public final class Faults {
  private static final Map<String, String> KINDS =
      Map.of(
          "insert", "INSERT INTO ledger (number) VALUES (?) RETURNING number",
          "query",
              "SELECT n, repeat(chr(97 + (n % 26)::int), 3000), pg_sleep(0.01)"
                  + " FROM (SELECT ?::bigint AS n) AS own",
          "large", "SELECT ?::bigint, repeat('x', 1000) FROM generate_series(1, 200000)",
          "forever", "SELECT ?::bigint, pg_sleep(1000000)");
  private static final int MOST_IN_FLIGHT = 1000; // each has a thread

  private static final AtomicLong next = new AtomicLong(1);
  private static final AtomicInteger inFlight = new AtomicInteger();
  private static volatile boolean ends = false;
  private static HikariDataSource pool;

  private static long micros() {
    return System.nanoTime() / 1000;
  }

  private static int number(String name, int otherwise) {
    final String value = System.getenv(name);
    return value == null ? otherwise : Integer.parseInt(value);
  }

  private static String reasonOf(SQLException error, boolean acquired) {
    final String state = error.getSQLState() == null ? "" : error.getSQLState();
    if (!acquired) return "timeout";
    if (state.equals("57014") || error.getCause() instanceof java.net.SocketTimeoutException) {
      return "timeout";
    }
    return state.startsWith("08") || state.startsWith("57P") ? "connection_lost" : "server_error";
  }

  private static void request(String kind) {
    final long own = next.getAndIncrement();
    final long start = micros();
    long got = 0;
    String result = "ok";
    String outcome = "-";
    try (Connection connection = pool.getConnection()) {
      got = micros();
      try (PreparedStatement statement = connection.prepareStatement(KINDS.get(kind))) {
        statement.setLong(1, own);
        try (ResultSet rows = statement.executeQuery()) {
          if (!rows.next() || rows.getLong(1) != own) result = "crossed";
        }
      }
    } catch (SQLException error) {
      // The close of a connection whose statement was good may fail, too.
      if (!result.equals("crossed")) result = reasonOf(error, got != 0);
      outcome = got != 0 ? "in_doubt" : "not_sent";
    } catch (OutOfMemoryError error) {
      result = "out_of_memory";
      outcome = "in_doubt";
    }
    if (got == 0) got = micros();
    System.out.printf(
        "request %s %d %d %d %d %s %s%n", kind, own, start, got, micros(), result, outcome);
    inFlight.decrementAndGet();
  }

  private static void offer(ExecutorService threads) throws InterruptedException {
    final Random random = new Random(number("FAULTS_SEED", 1));
    final double rate = number("FAULTS_RATE", 200);
    long due = System.nanoTime();
    while (!ends) {
      due += (long) (-Math.log(1 - random.nextDouble()) / rate * 1e9);
      final long now = System.nanoTime();
      if (due < now - 100_000_000) due = now;
      if (due > now) TimeUnit.NANOSECONDS.sleep(due - now);
      if (inFlight.get() >= MOST_IN_FLIGHT) continue;
      inFlight.incrementAndGet();
      final String kind = random.nextBoolean() ? "insert" : "query";
      threads.execute(() -> request(kind));
    }
  }

  private static void tellLag() {
    try {
      while (!ends) {
        final long due = System.nanoTime() + 20_000_000;
        Thread.sleep(20);
        System.out.printf("lag %d%n", Math.max(0, (System.nanoTime() - due) / 1000));
      }
    } catch (InterruptedException ignored) {
      // Nobody does.
    }
  }

  private static HikariDataSource openPool() {
    final int statementMs = number("FAULTS_STATEMENT_MS", 2000);
    // A pooler in transaction mode knows neither names nor start-up options.
    final boolean prepares = number("FAULTS_PREPARED", 100) > 0;
    final HikariConfig config = new HikariConfig();
    config.setJdbcUrl(
        String.format(
            "jdbc:postgresql://%s:%s/%s?sslmode=disable&connectTimeout=5&loginTimeout=5"
                + "&socketTimeout=%d&prepareThreshold=%d&tcpKeepAlive=true"
                + "%s",
            System.getenv("PGHOST"),
            System.getenv("PGPORT"),
            System.getenv("PGDATABASE"),
            statementMs / 1000 + 1,
            prepares ? 1 : 0,
            prepares ? "&options=-c%20statement_timeout=" + statementMs : ""));
    config.setUsername(System.getenv("PGUSER"));
    config.setPassword(System.getenv("PGPASSWORD"));
    config.setMaximumPoolSize(number("FAULTS_CONNECTIONS", 10));
    config.setMinimumIdle(2);
    config.setConnectionTimeout(number("FAULTS_ACQUIRE_MS", 1000));
    config.setInitializationFailTimeout(-1);
    return new HikariDataSource(config);
  }

  public static void main(String[] arguments) throws Exception {
    pool = openPool();
    final ExecutorService threads = Executors.newCachedThreadPool();
    threads.execute(Faults::tellLag);
    final Thread reader =
        new Thread(
            () -> {
              try (var lines = new BufferedReader(new InputStreamReader(System.in))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                  final String kind = line;
                  for (int i = 0; i < 2; ++i) {
                    inFlight.incrementAndGet();
                    threads.execute(() -> request(kind));
                  }
                }
              } catch (java.io.IOException ignored) {
                // As good as the end.
              }
              ends = true;
            });
    reader.start();
    offer(threads);
    threads.shutdown();
    final boolean over = threads.awaitTermination(20, TimeUnit.SECONDS);
    pool.close();
    System.out.printf("closed %s%n", over ? "clean" : "late");
    System.exit(0);
  }
}
