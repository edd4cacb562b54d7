#include "trace/source/byte_source.h"

#include <gtest/gtest.h>

#include "tests/unit/trace/sources.h"

namespace fallow::trace {
namespace {

using namespace std::string_view_literals;

std::string sample() {
  std::string text;
  for (int i = 0; i < 40000; ++i) text += "line " + std::to_string(i * 7919 % 10007) + "\n";
  return text;
}

std::string flipped(std::string data, std::size_t at) {
  data[at] = static_cast<char>(data[at] ^ 0x55);
  return data;
}

void expect_text(std::string_view data, std::string_view text) {
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, SIZE_MAX}) {
    for (const std::size_t piece : {1u, 13u, 70000u}) {
      const auto source = unpack(text_source(data, chunk));
      EXPECT_TRUE(drain(*source, piece) == text) << "chunk " << chunk << " piece " << piece;
      EXPECT_EQ(source->error(), "");
    }
  }
}

// Returns the bytes read before the error.
std::string expect_error(std::string_view data, std::string_view error) {
  const auto source = unpack(text_source(data, 100));
  std::string text = drain(*source);
  EXPECT_EQ(source->error(), error);
  char more = 0;
  EXPECT_EQ(source->read({&more, 1}), 0u);
  return text;
}

TEST(ByteSource, plain) {
  expect_text("", "");
  expect_text("a", "a");
  expect_text(sample(), sample());
}

TEST(ByteSource, gzip) {
  expect_text(gzip(sample()), sample());
  expect_text(gzip(""), "");
}

TEST(ByteSource, gzip_members_one_after_the_other) {
  expect_text(gzip("a\n") + gzip("") + gzip(sample()) + gzip("b"), "a\n" + sample() + "b");
}

TEST(ByteSource, gzip_padded_with_zeros) { expect_text(gzip("a\n") + std::string(1000, '\0'), "a\n"); }

TEST(ByteSource, gzip_truncated) {
  const std::string data = gzip(sample());
  for (const std::size_t size : {std::size_t{2}, std::size_t{9}, data.size() / 2, data.size() - 1}) {
    const std::string text =
        expect_error(data.substr(0, size), "the gzip data ends early: the file is truncated");
    EXPECT_TRUE(sample().starts_with(text));
  }
  EXPECT_EQ(expect_error(gzip("a\n") + "\x1f\x8b", "the gzip data ends early: the file is truncated"), "a\n");
}

TEST(ByteSource, gzip_damaged) {
  const std::string data = gzip(sample());
  expect_error(flipped(data, data.size() - 6), "the gzip data is damaged: incorrect data check");
  expect_error(flipped(data, 2), "the gzip data is damaged: unknown compression method");
  EXPECT_EQ(expect_error(gzip("a\n") + "trailer", "the gzip data is followed by data that is not gzip"),
            "a\n");
  EXPECT_EQ(expect_error(gzip("a\n") + std::string(3, '\0') + gzip("b\n"),
                         "the gzip data is followed by data that is not gzip"),
            "a\n");
}

TEST(ByteSource, zstd) {
  expect_text(zstd(sample()), sample());
  expect_text(zstd(""), "");
}

TEST(ByteSource, zstd_frames_one_after_the_other) {
  const std::string skippable("\x51\x2a\x4d\x18\x03\0\0\0abc", 11);
  expect_text(zstd("a\n") + zstd("") + skippable + zstd(sample()) + zstd("b"), "a\n" + sample() + "b");
  expect_text(skippable + zstd("b"), "b");
}

TEST(ByteSource, zstd_truncated) {
  const std::string data = zstd(sample());
  for (const std::size_t size : {std::size_t{4}, std::size_t{9}, data.size() / 2, data.size() - 1}) {
    const std::string text =
        expect_error(data.substr(0, size), "the zstd data ends early: the file is truncated");
    EXPECT_TRUE(sample().starts_with(text));
  }
}

TEST(ByteSource, zstd_damaged) {
  const std::string data = zstd(sample());
  expect_error(flipped(data, data.size() - 2),
               "the zstd data is damaged: Restored data doesn't match checksum");
  EXPECT_EQ(expect_error(zstd("a\n") + "trailer", "the zstd data is damaged: Unknown frame descriptor"),
            "a\n");
}

// The output of "zstd --long=N" for a pipe, whose size zstd does not know: the frame asks for a window of 2^N
// bytes.
std::string zstd_with_window(std::string_view text, int window_log) {
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, window_log);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_inBuffer input{text.data(), text.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  // Uses two calls: if one call got all input and ended the frame, zstd would know the size.
  EXPECT_FALSE(ZSTD_isError(ZSTD_compressStream2(context.get(), &output, &input, ZSTD_e_continue)));
  EXPECT_EQ(ZSTD_compressStream2(context.get(), &output, &input, ZSTD_e_end), 0u);
  out.resize(output.pos);
  return out;
}

TEST(ByteSource, zstd_long_windows) {
  for (const int window_log : {27, 28, 30})
    EXPECT_EQ(drain(*unpack(text_source(zstd_with_window(sample(), window_log)))), sample()) << window_log;
}

TEST(ByteSource, zstd_window_is_bounded) {
  // Frame headers that ask for a window of 2 GiB (--long=31) and of 3.75 TiB, each followed by a first block.
  for (const std::string_view data :
       {"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00"sv, "\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00"sv})
    expect_error(data,
                 "the zstd window is above the maximum of 1 GiB: Frame requires too much "
                 "memory for decoding; decompress the file first with: zstd -d --long=31");
}

TEST(ByteSource, zstd_errors_that_are_no_damage_are_not_called_damage) {
  // A frame header that requires dictionary 42.
  expect_error("\x28\xb5\x2f\xfd\x21\x2a\x00\x01\x00\x00"sv,
               "zstd cannot decompress the data: Dictionary mismatch");
}

TEST(ByteSource, detected_by_content_not_by_name) {
  const TemporaryFile plain("plain.gz", "text\n");
  EXPECT_EQ(drain(*open_trace_text(plain.path())), "text\n");
  const TemporaryFile packed("packed.txt", gzip("text\n"));
  EXPECT_EQ(drain(*open_trace_text(packed.path())), "text\n");
}

TEST(ByteSource, recordings_that_are_not_text) {
  expect_error("PERFILE2xxxx",
               "a binary perf recording; expected text: convert it with: perf script -i FILE");
  expect_error("\x17\x08\x44tracing6",
               "a binary trace-cmd recording; expected text: convert it with: trace-cmd report FILE");
  expect_error("\xfd\x37zXZ\0\0"sv, "xz data is not supported; decompress it with: xz -d");
  expect_error("BZh91AY", "bzip2 data is not supported; decompress it with: bzip2 -d");
  expect_error("\x04\x22\x4d\x18", "lz4 data is not supported; decompress it with: lz4 -d");
  expect_error("TRACE:\nx\x9c\x01", "compressed atrace output is not supported; record without: atrace -z");
  expect_error("PK\x03\x04", "a zip archive is not supported; extract it first");
}

TEST(ByteSource, error_of_what_is_below) {
  for (const std::string& data :
       {std::string("text"), gzip(sample()).substr(0, 300), zstd(sample()).substr(0, 300)}) {
    const auto source = unpack(std::make_unique<TextSource>(data, 100, "cannot read: it broke"));
    drain(*source);
    EXPECT_EQ(source->error(), "cannot read: it broke");
  }
}

TEST(ByteSource, files_that_cannot_be_read) {
  const auto missing = open_trace_text("/nowhere/at-all.txt");
  EXPECT_EQ(drain(*missing), "");
  EXPECT_EQ(missing->error(), "cannot open: No such file or directory");
  EXPECT_FALSE(missing->progress());
  const auto folder = open_trace_text("/");
  EXPECT_EQ(drain(*folder), "");
  EXPECT_EQ(folder->error(), "cannot read: Is a directory");
}

TEST(ByteSource, progress) {
  const std::string data = zstd(sample());
  const TemporaryFile file("sample.zst", data);
  const auto source = open_trace_text(file.path());
  ASSERT_TRUE(source->progress());
  EXPECT_LT(*source->progress(), 0.1);
  drain(*source);
  EXPECT_EQ(*source->progress(), 1.0);
  EXPECT_FALSE(unpack(text_source("a"))->progress());
}

}  // namespace
}  // namespace fallow::trace
