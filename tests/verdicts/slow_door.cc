#include "tests/verdicts/slow_door.h"

#include <sys/socket.h>

#include <exception>
#include <utility>

#include "tests/integration/fake_server.h"
#include "tests/support/net.h"

namespace dbpool::test {

SlowDoor::SlowDoor(int server_port)
    : server_port_(server_port),
      port_(free_port()),
      listener_(listen_on(port_, 128)),
      thread_([this] { run(); }) {}

SlowDoor::~SlowDoor() {
  ::shutdown(listener_.get(), SHUT_RDWR);  // wakes accept()
  thread_.join();
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    opened_.notify_all();
    for (const Guest& guest : guests_) {  // wakes the relays
      ::shutdown(guest.client.get(), SHUT_RDWR);
    }
  }
  for (Guest& guest : guests_) guest.thread.join();
}

void SlowDoor::shut() {
  const std::lock_guard lock(mutex_);
  is_shut_ = true;
}

void SlowDoor::open() {
  const std::lock_guard lock(mutex_);
  is_shut_ = false;
  opened_.notify_all();
}

void SlowDoor::run() {
  while (true) {
    UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
    if (!client) return;
    const std::lock_guard lock(mutex_);
    Guest& guest = guests_.emplace_back();
    guest.client = std::move(client);
    guest.thread = std::thread([this, &guest] { serve(guest); });
  }
}

void SlowDoor::serve(Guest& guest) {
  {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return !is_shut_ || ends_; });
    if (ends_) return;
  }
  try {
    guest.server = connect_to(server_port_);
  } catch (const std::exception&) {  // it is down
    ::shutdown(guest.client.get(), SHUT_RDWR);
    return;
  }
  FakeServer::relay(guest.client.get(), guest.server.get());
  ::shutdown(guest.client.get(), SHUT_RDWR);
  ::shutdown(guest.server.get(), SHUT_RDWR);
}

}  // namespace dbpool::test
