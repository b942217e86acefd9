// Runs programs with known outputs on every instruction set, without Node: for sanitizers, and for
// processors that are only emulated. driver CASES, a file that check-cpp.mjs writes: 32-bit words,
//
//   cases, then per case: bytes of its name, name; words of code, code; tensors, each bytes, data in
//   whole words; floats of the image, image; outputs, each floats, data
//
// Sanitizers must abort (abort_on_error=1): the case under way is then told.
#include <signal.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "../executable.h"
#include "../isa.h"

namespace {

using namespace onebit;

struct Case {
  std::string name;
  std::vector<int32_t> code;
  std::vector<std::vector<unsigned char>> tensors;
  std::vector<float> image;
  std::vector<std::vector<float>> outputs;
};

class Words {
 public:
  explicit Words(const char* path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(std::string("cannot read ") + path);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
  }

  int32_t next() {
    int32_t word;
    take(&word, 4);
    return word;
  }

  template <typename T>
  std::vector<T> list(size_t count) {
    std::vector<T> values(count);
    take(values.data(), count * sizeof(T));
    return values;
  }

 private:
  void take(void* to, size_t count) {
    const size_t whole = (count + 3) / 4 * 4;
    if (bytes_.size() - at_ < whole) throw std::runtime_error("the file of cases is cut off");
    std::memcpy(to, bytes_.data() + at_, count);
    at_ += whole;
  }

  std::vector<char> bytes_;
  size_t at_ = 0;
};

Case readCase(Words& words) {
  Case c;
  const std::vector<char> name = words.list<char>(words.next());
  c.name.assign(name.begin(), name.end());
  c.code = words.list<int32_t>(words.next());
  for (int32_t n = words.next(); n > 0; n--) c.tensors.push_back(words.list<unsigned char>(words.next()));
  c.image = words.list<float>(words.next());
  for (int32_t n = words.next(); n > 0; n--) c.outputs.push_back(words.list<float>(words.next()));
  return c;
}

/** Any NaN is like any other. */
bool same(float a, float b) { return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, 4) == 0; }

bool runCase(const Case& c, const Isa* isa, int32_t threads) {
  std::vector<Tensor> tensors;
  for (const auto& data : c.tensors) tensors.push_back({data.data(), data.size()});
  Program program = decodeProgram(c.code.data(), c.code.size(), std::move(tensors));
  Executable executable(compileProgram(std::move(program), isa, {threads, true}), threads);
  // Two images, so that threads run one each, then one alone.
  for (const int64_t count : {2, 1}) {
    std::vector<float> images;
    std::vector<std::vector<float>> results;
    std::vector<float*> outputs;
    for (int64_t i = 0; i < count; i++) images.insert(images.end(), c.image.begin(), c.image.end());
    for (const auto& output : c.outputs) results.emplace_back(output.size() * count);
    for (auto& result : results) outputs.push_back(result.data());
    executable.run({images.data(), false}, count, outputs);
    for (size_t o = 0; o < results.size(); o++) {
      for (size_t i = 0; i < results[o].size(); i++) {
        if (!same(results[o][i], c.outputs[o][i % c.outputs[o].size()])) return false;
      }
    }
  }
  return true;
}

/** What runs now, for the handler. */
std::string underWay;

void tellCase(int) {
  const ssize_t told = write(STDERR_FILENO, underWay.data(), underWay.size());
  _exit(told > 0 ? 1 : 2);
}

/** Wrong results are told, and so is a program that is refused: checkProgram let it pass. */
bool tryCase(const Case& c, const Isa* isa, int32_t threads) {
  const std::string name = std::string(isa->name) + ", " + std::to_string(threads) + " threads, " + c.name;
  underWay = "it happened in: " + name + "\n";
  try {
    if (runCase(c, isa, threads)) return true;
    std::fprintf(stderr, "wrong: %s\n", name.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "refused: %s: %s\n", name.c_str(), error.what());
  }
  return false;
}

}  // namespace

int main(int count, char** arguments) {
  signal(SIGABRT, tellCase);
  try {
    if (count != 2) throw std::runtime_error("usage: driver CASES");
    Words words(arguments[1]);
    std::vector<Case> cases;
    for (int32_t n = words.next(); n > 0; n--) cases.push_back(readCase(words));
    int wrong = 0;
    for (const Isa* isa : availableIsas()) {
      for (const int32_t threads : {1, 2}) {
        int bad = 0;
        for (const Case& c : cases) bad += tryCase(c, isa, threads) ? 0 : 1;
        std::printf("%s, %d threads: %zu programs, %d wrong\n", isa->name, threads, cases.size(), bad);
        wrong += bad;
      }
    }
    return wrong == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
