// usage: dbpool_hardened_run PROGRAM [ARG]…
// Runs a program as a hardened unit of systemd would: as nobody, without
// capabilities or a way to new ones, on a file system that nobody can write to,
// and with system calls refused, as by
//   User=nobody CapabilityBoundingSet= NoNewPrivileges=yes
//   ProtectSystem=strict PrivateTmp=no RestrictAddressFamilies=AF_UNIX AF_INET
//   AF_INET6 MemoryDenyWriteExecute=yes SystemCallFilter=~@clock @debug @module
//   @mount @privileged @raw-io @reboot @resources @swap

#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr uid_t kNobody = 65534;

void must(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::exit(127);
}

void make_read_only() {
  const bool is_root = ::geteuid() == 0;
  must(::unshare(CLONE_NEWNS | (is_root ? 0 : CLONE_NEWUSER)) == 0, "unshare");
  must(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0,
       "mount");
  mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID;
  must(::syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attributes,
                 sizeof(attributes)) == 0,
       "mount_setattr");
}

void drop_privileges() {
  for (unsigned long each = 0; each <= CAP_LAST_CAP; ++each) {
    ::prctl(PR_CAPBSET_DROP, each, 0UL, 0UL, 0UL);  // the kernel may know less
  }
  if (::geteuid() == 0) {
    must(::setgroups(0, nullptr) == 0, "setgroups");
    must(::setgid(kNobody) == 0, "setgid");
    must(::setuid(kNobody) == 0, "setuid");
  }
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3,
                                     .pid = 0};
  __user_cap_data_struct none[2] = {};
  must(::syscall(SYS_capset, &header, none) == 0, "capset");
  // Forgotten with the user: who started it may end, and it with them.
  must(::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl");
  must(::prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0, "prctl");
}

// A program for the kernel that refuses system calls. (Those of other ABIs
// pass: what runs here is no attacker.)
class Filter {
 public:
  void refuse(long call) {
    load(offsetof(seccomp_data, nr));
    jump(BPF_JEQ, static_cast<unsigned>(call), 0, 1);
    end(EPERM);
  }

  // Calls whose argument has all of these bits.
  void refuse_bits(long call, unsigned argument, unsigned bits) {
    load(offsetof(seccomp_data, nr));
    jump(BPF_JEQ, static_cast<unsigned>(call), 0, 4);
    load(offset_of(argument));
    code_.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits));
    jump(BPF_JEQ, bits, 0, 1);
    end(EPERM);
  }

  // Sockets of all families but Unix and Internet.
  void refuse_families() {
    load(offsetof(seccomp_data, nr));
    jump(BPF_JEQ, SYS_socket, 0, 5);
    load(offset_of(0));
    jump(BPF_JEQ, AF_UNIX, 3, 0);
    jump(BPF_JEQ, AF_INET, 2, 0);
    jump(BPF_JEQ, AF_INET6, 1, 0);
    end(EAFNOSUPPORT);
  }

  void install() {
    code_.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    sock_fprog program = {.len = static_cast<unsigned short>(code_.size()),
                          .filter = code_.data()};
    must(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0UL, 0UL) == 0,
         "seccomp");
  }

 private:
  static unsigned offset_of(unsigned argument) {
    return static_cast<unsigned>(offsetof(seccomp_data, args)) + 8 * argument;
  }
  void load(std::size_t offset) {
    code_.push_back(
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset)));
  }
  void jump(unsigned short how, unsigned value, unsigned char if_so,
            unsigned char if_not) {
    code_.push_back(BPF_JUMP(static_cast<unsigned short>(BPF_JMP | how | BPF_K),
                             value, if_so, if_not));
  }
  void end(int error) {
    code_.push_back(BPF_STMT(BPF_RET | BPF_K,
                             SECCOMP_RET_ERRNO | static_cast<unsigned>(error)));
  }

  std::vector<sock_filter> code_;
};

void filter_system_calls() {
  Filter filter;
  for (const long call : {SYS_mount,
                          SYS_umount2,
                          SYS_pivot_root,
                          SYS_chroot,
                          SYS_unshare,
                          SYS_setns,
                          SYS_ptrace,
                          SYS_process_vm_readv,
                          SYS_process_vm_writev,
                          SYS_perf_event_open,
                          SYS_bpf,
                          SYS_init_module,
                          SYS_finit_module,
                          SYS_delete_module,
                          SYS_kexec_load,
                          SYS_reboot,
                          SYS_swapon,
                          SYS_swapoff,
                          SYS_settimeofday,
                          SYS_clock_settime,
                          SYS_adjtimex,
                          SYS_clock_adjtime,
                          SYS_setuid,
                          SYS_setgid,
                          SYS_setgroups,
                          SYS_setresuid,
                          SYS_setresgid,
                          SYS_capset,
                          SYS_keyctl,
                          SYS_add_key,
                          SYS_request_key,
                          SYS_userfaultfd,
                          SYS_setrlimit,
                          SYS_setpriority,
                          SYS_sched_setscheduler,
                          SYS_sched_setaffinity,
                          SYS_sched_setattr,
                          SYS_mlock,
                          SYS_mlockall,
                          SYS_fchown,
                          SYS_fchownat,
                          SYS_memfd_secret}) {
    filter.refuse(call);
  }
  filter.refuse_bits(SYS_mmap, 2, PROT_WRITE | PROT_EXEC);
  filter.refuse_bits(SYS_mprotect, 2, PROT_EXEC);
  filter.refuse_families();
  filter.install();
}

}  // namespace

int main(int argc, char** argv) {
  must(argc > 1, "usage: dbpool_hardened_run PROGRAM [ARG]…");
  // Nobody may not be let into the folder that it is in.
  const int program = ::open(argv[1], O_PATH | O_CLOEXEC);
  must(program >= 0, argv[1]);
  make_read_only();
  drop_privileges();
  filter_system_calls();
  ::fexecve(program, argv + 1, environ);
  must(false, argv[1]);
}
