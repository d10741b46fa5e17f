// DemoFolder: a temp folder that is removed at exit, or after a crash by the
// next demo.
//
// The folder carries a lock (flock) that the kernel lets go when its owner
// dies, however it dies and whatever becomes of its process number; a second
// lock in it is held by the server, which may outlive a killed owner by a
// moment. A folder with neither held belongs to nobody.
#ifndef DBPOOL_EXPORTER_DEMO_DEMO_FOLDER_H_
#define DBPOOL_EXPORTER_DEMO_DEMO_FOLDER_H_

#include <filesystem>
#include <string>

#include "dbpool/error.h"
#include "dbpool/options.h"
#include "exporter/demo/child_process.h"

namespace dbpool::exporter {

// Thread-safety: none.
class DemoFolder {
 public:
  // Makes a folder in `parent`. Others may enter it but not read it.
  static Expected<DemoFolder> create(const std::filesystem::path& parent);
  DemoFolder(DemoFolder&&) noexcept = default;
  DemoFolder& operator=(DemoFolder&&) = delete;
  ~DemoFolder();

  const std::filesystem::path& path() const noexcept { return path_; }
  // The descriptor that a server must inherit to be seen as alive.
  int server_lock() const noexcept { return server_lock_.get(); }

 private:
  DemoFolder(std::filesystem::path path, OwnedFd lock, OwnedFd server_lock);

  std::filesystem::path path_;
  OwnedFd lock_;
  OwnedFd server_lock_;
};

// Removes the folders of demos of this user in `parent` that have ended
// without doing so; their number. Waits up to `patience` for a server that is
// still shutting down, and leaves its folder if it does not end.
std::size_t remove_demo_leftovers(const std::filesystem::path& parent,
                                  Duration patience);

// $TMPDIR if it is a folder that the server may enter and whose path leaves
// room for the name of a Unix socket, else /tmp.
std::filesystem::path demo_parent_folder();

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DEMO_DEMO_FOLDER_H_
