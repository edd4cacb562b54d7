#include "cli/serve/serve_sockets.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/scratch_folder.h"

namespace fallow::cli {
namespace {

class ServeSockets : public testing::Test {
 protected:
  std::optional<ListeningSocket> create(mode_t mode = 0600) {
    error_.clear();
    return ListeningSocket::create(path_, mode, {}, &error_);
  }
  bool connects() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    const int file = socket(AF_UNIX, SOCK_STREAM, 0);
    const bool connected = connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(file);
    return connected;
  }
  bool exists() const { return std::filesystem::exists(std::filesystem::symlink_status(path_)); }
  mode_t mode() const {
    struct stat at {};
    EXPECT_EQ(stat(path_.c_str(), &at), 0);
    return at.st_mode & 07777;
  }
  // Leaves the socket file that a killed daemon would leave.
  void leave_stale() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    const int file = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(bind(file, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(file, 1), 0);
    close(file);
  }

  ScratchFolder folder_;
  std::string path_ = folder_.path("socket");
  std::string error_;
};

TEST_F(ServeSockets, listens_with_the_mode_whatever_the_umask) {
  for (const mode_t umask_before : {0000U, 0077U}) {
    umask(umask_before);
    for (const mode_t wanted : {0600U, 0660U, 0666U}) {
      const auto socket = create(wanted);
      ASSERT_TRUE(socket) << error_;
      EXPECT_EQ(mode(), wanted);
      EXPECT_TRUE(connects());
      EXPECT_EQ(path_of_socket(socket->file()), path_);
    }
    EXPECT_EQ(umask(022), umask_before);
  }
}

TEST_F(ServeSockets, goes_with_its_file) {
  ASSERT_TRUE(create()) << error_;
  EXPECT_FALSE(exists());
}

TEST_F(ServeSockets, a_stale_socket_is_replaced) {
  leave_stale();
  EXPECT_FALSE(connects());
  const auto socket = create();
  ASSERT_TRUE(socket) << error_;
  EXPECT_TRUE(connects());
}

TEST_F(ServeSockets, a_socket_in_use_is_not) {
  const auto first = create();
  ASSERT_TRUE(first);
  EXPECT_FALSE(create());
  EXPECT_EQ(error_, path_ + ": another program already listens on this socket");
  EXPECT_TRUE(connects());
}

TEST_F(ServeSockets, nor_is_another_file) {
  std::ofstream(path_) << "precious";
  EXPECT_FALSE(create());
  EXPECT_EQ(error_, path_ + ": the path exists and is not a socket");
  EXPECT_TRUE(exists());
}

TEST_F(ServeSockets, nor_one_behind_a_symbolic_link) {
  std::filesystem::create_symlink("elsewhere", path_);
  EXPECT_FALSE(create());
  EXPECT_TRUE(exists());
}

TEST_F(ServeSockets, a_socket_that_took_its_place_stays) {
  {
    const auto socket = create();
    ASSERT_TRUE(socket);
    std::filesystem::remove(path_);
    leave_stale();
  }
  EXPECT_TRUE(exists());
}

TEST_F(ServeSockets, a_folder_that_is_missing_is_told) {
  path_ = folder_.path("no/socket");
  EXPECT_FALSE(create());
  EXPECT_EQ(error_, path_ + ": cannot bind the socket: No such file or directory");
}

TEST_F(ServeSockets, a_socket_that_was_passed_keeps_its_file) {
  {
    auto made = create();
    ASSERT_TRUE(made);
    const auto taken = ListeningSocket::take(dup(made->file()), &error_);
    ASSERT_TRUE(taken) << error_;
    EXPECT_EQ(taken->path(), path_);
    std::filesystem::rename(path_, path_ + "2");  // so that its creator does not remove it
  }
  EXPECT_TRUE(std::filesystem::exists(path_ + "2"));
}

TEST_F(ServeSockets, what_does_not_listen_is_no_socket_to_take) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  EXPECT_FALSE(ListeningSocket::take(ends[0], &error_));
  EXPECT_NE(error_.find("expected a Unix stream socket that listens"), std::string::npos) << error_;
  close(ends[0]);
  close(ends[1]);
}

class ServePassedSockets : public testing::Test {
 protected:
  ~ServePassedSockets() override { take_passed_sockets(&error_); }
  static void pass(const char* process, const char* count, const char* names) {
    setenv("LISTEN_PID", process, 1);
    setenv("LISTEN_FDS", count, 1);
    setenv("LISTEN_FDNAMES", names, 1);
  }
  std::string error_;
  const std::string self_ = std::to_string(getpid());
};

TEST_F(ServePassedSockets, have_numbers_and_names) {
  pass(self_.c_str(), "3", "guests:control");
  const auto passed = take_passed_sockets(&error_);
  ASSERT_TRUE(passed) << error_;
  ASSERT_EQ(passed->size(), 3U);
  EXPECT_EQ((*passed)[0].file, 3);
  EXPECT_EQ((*passed)[0].name, "guests");
  EXPECT_EQ((*passed)[1].file, 4);
  EXPECT_EQ((*passed)[1].name, "control");
  EXPECT_EQ((*passed)[2].file, 5);
  EXPECT_EQ((*passed)[2].name, "");
  EXPECT_EQ(getenv("LISTEN_FDS"), nullptr);
}

TEST_F(ServePassedSockets, of_another_process_are_not_taken) {
  pass("1", "3", "");
  const auto passed = take_passed_sockets(&error_);
  ASSERT_TRUE(passed);
  EXPECT_TRUE(passed->empty());
}

TEST_F(ServePassedSockets, that_are_not_a_count_are_an_error) {
  for (const char* count : {"", "x", "-1", "5000"}) {
    pass(self_.c_str(), count, "");
    EXPECT_FALSE(take_passed_sockets(&error_)) << count;
  }
}

}  // namespace
}  // namespace fallow::cli
