#include <doctest/doctest.h>

#include <fstream>

#include "flowlens/error.hpp"
#include "pipeline/data_dir.hpp"
#include "pipeline/decoder_state.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlensd;

namespace {

void write(const std::filesystem::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("decoder state: what was written is read, whatever the number of decoders") {
  const flowlens::test::TemporaryFolder folder;
  const auto file = folder.path / "state.bin";
  CHECK(read_decoder_states(file).empty());
  const DecoderStates states{{}, {std::byte{1}, std::byte{2}}, std::vector<std::byte>(70'000)};
  write_decoder_states(file, states);
  CHECK(read_decoder_states(file) == states);
  write_decoder_states(file, {});
  CHECK(read_decoder_states(file).empty());
}

TEST_CASE("decoder state: a damaged file is refused, not guessed at") {
  const flowlens::test::TemporaryFolder folder;
  const auto file = folder.path / "state.bin";
  const std::string magic = "flowlensd decoder state 1\n";
  for (const std::string& text :
       {std::string("x"), std::string(), magic + "short", magic + std::string(8, '\xff') + "abc"}) {
    write(file, text);
    CHECK_THROWS_AS((void)read_decoder_states(file), flowlens::IoError);
  }
}

TEST_CASE("data folder: made if missing, and held by one daemon at a time") {
  const flowlens::test::TemporaryFolder folder;
  const auto path = folder.path / "a" / "b";
  {
    const DataDir first(path);
    CHECK_THROWS_WITH_AS(DataDir{path}, doctest::Contains("another flowlensd"), flowlens::IoError);
  }
  CHECK_NOTHROW(DataDir{path});
  write(folder.path / "file", "");
  CHECK_THROWS_AS(DataDir{folder.path / "file"}, flowlens::IoError);
}
