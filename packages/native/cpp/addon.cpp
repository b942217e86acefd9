// The Node-API face: isas, compile, run, profile, kernels, arenaBytes, memoryBytes, threads, dispose, hamming, dots; see
// src/addon.ts for types.
#include <node_api.h>

#include <cmath>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "executable.h"
#include "isa.h"

namespace onebit {
namespace {

/** What a handle holds; runs under way keep the executable alive after dispose. */
using Handle = std::shared_ptr<Executable>;

void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  throw std::runtime_error(std::string("native: ") +
                           (info && info->error_message ? info->error_message : "Node-API call failed"));
}

template <size_t N>
std::vector<napi_value> argumentsOf(napi_env env, napi_callback_info info) {
  size_t count = N;
  std::vector<napi_value> values(N);
  check(env, napi_get_cb_info(env, info, &count, values.data(), nullptr, nullptr));
  if (count < N) throw std::runtime_error("native: too few arguments");
  return values;
}

struct View {
  napi_typedarray_type type;
  size_t length;
  void* data;
};

View viewOf(napi_env env, napi_value value) {
  View view{};
  check(env, napi_get_typedarray_info(env, value, &view.type, &view.length, &view.data, nullptr, nullptr));
  return view;
}

View viewOf(napi_env env, napi_value value, napi_typedarray_type type) {
  const View view = viewOf(env, value);
  if (view.type != type) throw std::runtime_error("native: typed array of another type");
  return view;
}

std::vector<napi_value> elementsOf(napi_env env, napi_value array) {
  uint32_t length = 0;
  check(env, napi_get_array_length(env, array, &length));
  std::vector<napi_value> elements(length);
  for (uint32_t i = 0; i < length; i++) check(env, napi_get_element(env, array, i, &elements[i]));
  return elements;
}

/** Of a JavaScript number that is whole and from `least` to `most`: no other becomes an integer. */
int64_t integerOf(napi_env env, napi_value value, int64_t least, int64_t most, const char* what) {
  double number = 0;
  check(env, napi_get_value_double(env, value, &number));
  const bool fits = number >= static_cast<double>(least) && number <= static_cast<double>(most);
  if (fits && number == std::floor(number)) return static_cast<int64_t>(number);
  throw std::runtime_error(std::string("native: ") + what + " must be a whole number from " + std::to_string(least) +
                           " to " + std::to_string(most));
}

/** Every whole number up to here is a JavaScript number. */
constexpr int64_t kMostInteger = (int64_t{1} << 53) - 1;
/** MAX_THREADS of packages/core. */
constexpr int64_t kMostThreads = 256;

bool booleanOf(napi_env env, napi_value value) {
  bool truth = false;
  check(env, napi_get_value_bool(env, value, &truth));
  return truth;
}

std::string textOf(napi_env env, napi_value value) {
  size_t length = 0;
  check(env, napi_get_value_string_utf8(env, value, nullptr, 0, &length));
  std::string text(length + 1, '\0');
  check(env, napi_get_value_string_utf8(env, value, text.data(), text.size(), &length));
  text.resize(length);
  return text;
}

napi_value textArray(napi_env env, const std::vector<std::string>& texts) {
  napi_value array, text;
  check(env, napi_create_array_with_length(env, texts.size(), &array));
  for (size_t i = 0; i < texts.size(); i++) {
    check(env, napi_create_string_utf8(env, texts[i].data(), texts[i].size(), &text));
    check(env, napi_set_element(env, array, static_cast<uint32_t>(i), text));
  }
  return array;
}

Handle& handleOf(napi_env env, napi_value value) {
  void* data = nullptr;
  check(env, napi_get_value_external(env, value, &data));
  Handle& handle = *static_cast<Handle*>(data);
  if (!handle) throw std::runtime_error("native: this program has been disposed");
  return handle;
}

napi_value isas(napi_env env, napi_callback_info) {
  std::vector<std::string> names;
  for (const Isa* isa : availableIsas()) names.emplace_back(isa->name);
  return textArray(env, names);
}

/** compile(code, tensors, threads, isa, apart, memory) */
napi_value compile(napi_env env, napi_callback_info info) {
  const std::vector<napi_value> arguments = argumentsOf<6>(env, info);
  const View code = viewOf(env, arguments[0], napi_int32_array);
  std::vector<Tensor> tensors;
  for (const napi_value element : elementsOf(env, arguments[1])) {
    const View view = viewOf(env, element);
    const size_t size = view.type == napi_float32_array ? 4 : 1;
    tensors.push_back({static_cast<const unsigned char*>(view.data), view.length * size});
  }
  const int32_t threads = static_cast<int32_t>(integerOf(env, arguments[2], 1, kMostThreads, "threads"));
  const Isa* isa = chooseIsa(textOf(env, arguments[3]));
  const bool apart = booleanOf(env, arguments[4]);
  const size_t memory = static_cast<size_t>(integerOf(env, arguments[5], 0, kMostInteger, "memory"));
  Program program = decodeProgram(static_cast<const int32_t*>(code.data), code.length, std::move(tensors));
  auto compiled = compileProgram(std::move(program), isa, {threads, apart, memory});
  auto handle = std::make_unique<Handle>(std::make_shared<Executable>(std::move(compiled), threads));
  napi_value external;
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<Handle*>(data); };
  check(env, napi_create_external(env, handle.get(), finalize, nullptr, &external));
  handle.release();
  return external;
}

/** A run under way on another thread: the event loop goes on. */
struct Job {
  Handle executable;
  /** Of the images: the caller's memory may go away (resized, transferred) before all are read. */
  Buffer copy;
  /** How many lie there. */
  std::atomic<int64_t> copied{0};
  Images images;
  int64_t count;
  std::vector<float*> outputs;
  std::string error;
  napi_deferred deferred;
  napi_async_work work;
  /** Holds the outputs. */
  napi_ref arrays;
};

/** A typed array's numbers, which must be as many as so many images have. */
float* floatsOf(napi_env env, napi_value value, int64_t count, size_t floats) {
  const View view = viewOf(env, value, napi_float32_array);
  if (view.length != product(count, floats)) throw std::runtime_error("native: an array is not of the right length");
  return static_cast<float*>(view.data);
}

/** On the caller's thread, while others begin with those that have arrived. */
void copyImages(Job& job, const float* from, size_t floats) {
  float* to = static_cast<float*>(job.copy.memory.get());
  for (int64_t image = 0; image < job.count; image++, from += floats, to += floats) {
    std::memcpy(to, from, floats * sizeof(float));
    job.copied.store(image + 1, std::memory_order_release);
  }
}

void executeJob(napi_env, void* data) {
  Job& job = *static_cast<Job*>(data);
  try {
    job.executable->run(job.images, job.count, job.outputs);
  } catch (const std::exception& error) {
    job.error = error.what();
  }
}

void completeJob(napi_env env, napi_status, void* data) {
  const std::unique_ptr<Job> job(static_cast<Job*>(data));
  job->executable->giveSpare(std::move(job->copy));
  napi_delete_reference(env, job->arrays);
  napi_delete_async_work(env, job->work);
  napi_value value;
  napi_get_undefined(env, &value);
  if (job->error.empty()) {
    napi_resolve_deferred(env, job->deferred, value);
    return;
  }
  napi_value message;
  napi_create_string_utf8(env, job->error.data(), job->error.size(), &message);
  napi_create_error(env, nullptr, message, &value);
  napi_reject_deferred(env, job->deferred, value);
}

/**
 * run(handle, images, count, outputs, planes): a promise. images may go away once this returns;
 * outputs must stay.
 */
napi_value run(napi_env env, napi_callback_info info) {
  const std::vector<napi_value> arguments = argumentsOf<5>(env, info);
  auto job = std::make_unique<Job>();
  job->executable = handleOf(env, arguments[0]);
  job->count = integerOf(env, arguments[2], 0, kMostInteger, "the number of images");
  const size_t floats = job->executable->imageFloats();
  const float* images = floatsOf(env, arguments[1], job->count, floats);
  job->copy = job->executable->takeSpare(product(job->count, floats, sizeof(float)));
  job->images = {static_cast<const float*>(job->copy.memory.get()), booleanOf(env, arguments[4]), &job->copied};
  const std::vector<napi_value> outputs = elementsOf(env, arguments[3]);
  const std::vector<size_t> sizes = job->executable->outputFloats();
  if (outputs.size() != sizes.size()) throw std::runtime_error("native: not as many arrays as outputs");
  for (size_t i = 0; i < sizes.size(); i++)
    job->outputs.push_back(floatsOf(env, outputs[i], job->count, sizes[i]));
  napi_value name, promise;
  check(env, napi_create_reference(env, arguments[3], 1, &job->arrays));
  check(env, napi_create_string_utf8(env, "onebit", NAPI_AUTO_LENGTH, &name));
  check(env, napi_create_promise(env, &job->deferred, &promise));
  check(env, napi_create_async_work(env, nullptr, name, executeJob, completeJob, job.get(), &job->work));
  job->executable->expectRun();
  check(env, napi_queue_async_work(env, job->work));
  copyImages(*job.release(), images, floats);
  return promise;
}

napi_value profile(napi_env env, napi_callback_info info) {
  const std::vector<double> times = handleOf(env, argumentsOf<1>(env, info)[0])->profile();
  napi_value array, number;
  check(env, napi_create_array_with_length(env, times.size(), &array));
  for (size_t i = 0; i < times.size(); i++) {
    check(env, napi_create_double(env, times[i], &number));
    check(env, napi_set_element(env, array, static_cast<uint32_t>(i), number));
  }
  return array;
}

napi_value kernels(napi_env env, napi_callback_info info) {
  return textArray(env, handleOf(env, argumentsOf<1>(env, info)[0])->kernels());
}

napi_value arenaBytes(napi_env env, napi_callback_info info) {
  napi_value number;
  const double bytes = static_cast<double>(handleOf(env, argumentsOf<1>(env, info)[0])->arenaBytes());
  check(env, napi_create_double(env, bytes, &number));
  return number;
}

napi_value memoryBytes(napi_env env, napi_callback_info info) {
  napi_value number;
  const double bytes = static_cast<double>(handleOf(env, argumentsOf<1>(env, info)[0])->memoryBytes());
  check(env, napi_create_double(env, bytes, &number));
  return number;
}

napi_value threads(napi_env env, napi_callback_info info) {
  napi_value number;
  check(env, napi_create_int32(env, handleOf(env, argumentsOf<1>(env, info)[0])->threads(), &number));
  return number;
}

napi_value dispose(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  check(env, napi_get_value_external(env, argumentsOf<1>(env, info)[0], &data));
  static_cast<Handle*>(data)->reset();
  return nullptr;
}

/** Units of a row, which is as long as the query; there are as many rows as results. */
size_t rowsOf(const View& query, const View& rows, const View& to, size_t unit) {
  const bool fits = query.length > 0 && query.length % unit == 0 && rows.length == product(to.length, query.length);
  if (!fits) throw std::runtime_error("native: rows, query and results do not fit together");
  return query.length / unit;
}

/** hamming(query, rows, to, isa): rows of bytes, a multiple of 8 each. */
napi_value hamming(napi_env env, napi_callback_info info) {
  const std::vector<napi_value> arguments = argumentsOf<4>(env, info);
  const View query = viewOf(env, arguments[0], napi_uint8_array);
  const View rows = viewOf(env, arguments[1], napi_uint8_array);
  const View to = viewOf(env, arguments[2], napi_int32_array);
  const size_t words = rowsOf(query, rows, to, 8);
  chooseIsa(textOf(env, arguments[3]))
      ->hamming(static_cast<const char*>(query.data), static_cast<const char*>(rows.data), to.length, words,
                static_cast<int32_t*>(to.data));
  return nullptr;
}

/** dots(query, rows, to, isa): rows of floats, a multiple of 16 each. */
napi_value dots(napi_env env, napi_callback_info info) {
  const std::vector<napi_value> arguments = argumentsOf<4>(env, info);
  const View query = viewOf(env, arguments[0], napi_float32_array);
  const View rows = viewOf(env, arguments[1], napi_float32_array);
  const View to = viewOf(env, arguments[2], napi_float32_array);
  const size_t floats = 16 * rowsOf(query, rows, to, 16);
  chooseIsa(textOf(env, arguments[3]))
      ->dots(static_cast<const float*>(query.data), static_cast<const float*>(rows.data), to.length, floats,
             static_cast<float*>(to.data));
  return nullptr;
}

/** C++ exceptions become JavaScript ones. */
template <napi_value (*Function)(napi_env, napi_callback_info)>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    return Function(env, info);
  } catch (const OverBudget& error) {
    napi_throw_error(env, "OVER_BUDGET", error.what());
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, nullptr, "native: no memory for this program");
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

template <napi_value (*Function)(napi_env, napi_callback_info)>
void define(napi_env env, napi_value exports, const char* name) {
  napi_value function;
  check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, guarded<Function>, nullptr, &function));
  check(env, napi_set_named_property(env, exports, name, function));
}

}  // namespace
}  // namespace onebit

NAPI_MODULE_INIT() {
  using namespace onebit;
  napi_value encoding;
  check(env, napi_create_int32(env, kEncoding, &encoding));
  check(env, napi_set_named_property(env, exports, "encoding", encoding));
  define<isas>(env, exports, "isas");
  define<compile>(env, exports, "compile");
  define<run>(env, exports, "run");
  define<profile>(env, exports, "profile");
  define<kernels>(env, exports, "kernels");
  define<arenaBytes>(env, exports, "arenaBytes");
  define<memoryBytes>(env, exports, "memoryBytes");
  define<threads>(env, exports, "threads");
  define<dispose>(env, exports, "dispose");
  define<hamming>(env, exports, "hamming");
  define<dots>(env, exports, "dots");
  return exports;
}
