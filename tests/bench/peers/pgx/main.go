// pgxpool of pgx v4, as Debian 12 has it. It reads PGHOST, PGPORT, PGUSER and
// PGDATABASE, and prepares each statement once for each connection.
package main

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v4/pgxpool"
)

const (
	warmUp int32 = iota
	measured
	over
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func number(name string) float64 {
	value, err := strconv.ParseFloat(os.Getenv(name), 64)
	must(err)
	return value
}

func seconds(name string) time.Duration {
	return time.Duration(number(name) * float64(time.Second))
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func peakMemoryKib() int {
	status, err := os.ReadFile("/proc/self/status")
	must(err)
	found := regexp.MustCompile(`VmHWM:\s+(\d+)`).FindSubmatch(status)
	kib, err := strconv.Atoi(string(found[1]))
	must(err)
	return kib
}

// Runs one client until the phase is over.
func run(pool *pgxpool.Pool, queries bool, phase *int32) (count int, waits []float64) {
	ctx := context.Background()
	for {
		now := atomic.LoadInt32(phase)
		if now == over {
			return
		}
		var start time.Time
		var wait time.Duration
		if queries {
			start = time.Now()
		}
		connection, err := pool.Acquire(ctx)
		must(err)
		if queries {
			wait = time.Since(start)
			var one int
			must(connection.QueryRow(ctx, "SELECT 1").Scan(&one))
		}
		connection.Release()
		if now == measured {
			count++
			if queries {
				waits = append(waits, float64(wait.Nanoseconds())/1000)
			}
		}
	}
}

func openPool(connections int) *pgxpool.Pool {
	ctx := context.Background()
	config, err := pgxpool.ParseConfig("sslmode=disable")
	must(err)
	config.MaxConns = int32(connections)
	pool, err := pgxpool.ConnectConfig(ctx, config)
	must(err)
	var opened []*pgxpool.Conn
	for i := 0; i < connections; i++ {
		connection, err := pool.Acquire(ctx)
		must(err)
		opened = append(opened, connection)
	}
	for _, connection := range opened {
		connection.Release()
	}
	return pool
}

func main() {
	pool := openPool(int(number("BENCH_CONNECTIONS")))
	queries := number("BENCH_QUERIES") > 0
	var phase int32
	var mutex sync.Mutex
	var clients sync.WaitGroup
	var operations int
	var waits []float64
	for i := 0; i < int(number("BENCH_CLIENTS")); i++ {
		clients.Add(1)
		go func() {
			defer clients.Done()
			count, own := run(pool, queries, &phase)
			mutex.Lock()
			defer mutex.Unlock()
			operations += count
			waits = append(waits, own...)
		}()
	}
	time.Sleep(seconds("BENCH_WARM_UP"))
	before, start := cpuTime(), time.Now()
	atomic.StoreInt32(&phase, measured)
	time.Sleep(seconds("BENCH_SECONDS"))
	atomic.StoreInt32(&phase, over)
	elapsed, cpu := time.Since(start), cpuTime()-before
	clients.Wait()

	result := map[string]interface{}{
		"per_second":      float64(operations) / elapsed.Seconds(),
		"cpu_ms_per_1000": cpu.Seconds() * 1e6 / float64(operations),
		"wait_us":         nil,
		"peak_memory_kib": peakMemoryKib(),
	}
	if queries {
		sort.Float64s(waits)
		last := float64(len(waits) - 1)
		result["wait_us"] = []float64{
			waits[int(0.5*last)], waits[int(0.99*last)], waits[int(last)]}
	}
	must(json.NewEncoder(os.Stdout).Encode(result))
}
