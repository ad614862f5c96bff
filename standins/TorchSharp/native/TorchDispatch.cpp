// The ATen dispatcher as a C interface: find an operator's schema once, push tagged arguments, fill defaults from the schema, call boxed, pop
// results; and what the dispatcher has no operator for: autograd, raw data, threads, seeds, devices.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/Context.h>
#include <torch/version.h>
#include <malloc.h>
#include <cstring>
#include <string>

#define API extern "C" __attribute__((visibility("default")))

#if TORCH_VERSION_MAJOR >= 2
template <class T> using Optional = std::optional<T>;
#else
template <class T> using Optional = c10::optional<T>;
#endif

namespace {
// Tensors of a step are freed and made again all the time: handing their pages back to the kernel each time costs more than the step.
const bool keeps_memory = mallopt(M_MMAP_THRESHOLD, 1 << 30) && mallopt(M_TRIM_THRESHOLD, 1 << 30);

thread_local std::string last_error;

enum Tag : int32_t { None = 0, TensorArg = 1, Int = 2, Double = 3, Bool = 4, IntList = 5, TensorList = 6, DefaultArg = 7, DeviceArg = 8, DoubleList = 9, String = 10 };

struct Arg {
  int32_t tag;
  int32_t count;
  int64_t i;
  double d;
  const void* p;
};

struct Result {
  int32_t tag;
  int32_t pad;
  int64_t i;
  double d;
  void* p;
};

template <class F>
auto guarded(F f, decltype(f()) failed) -> decltype(f()) {
  try {
    return f();
  } catch (const c10::Error& e) {
    last_error = e.what_without_backtrace();
  } catch (const std::exception& e) {
    last_error = e.what();
  }
  return failed;
}

c10::IValue value(const Arg& a, const c10::Argument& schema) {
  switch (a.tag) {
    case None: return c10::IValue();
    case TensorArg: return a.p ? c10::IValue(*static_cast<const at::Tensor*>(a.p)) : c10::IValue();
    case Int: return c10::IValue(a.i);
    case Double: return c10::IValue(a.d);
    case Bool: return c10::IValue(a.i != 0);
    case IntList: {
      auto data = static_cast<const int64_t*>(a.p);
      return c10::IValue(c10::List<int64_t>(c10::ArrayRef<int64_t>(data, a.count)));
    }
    case DoubleList: {
      auto data = static_cast<const double*>(a.p);
      return c10::IValue(c10::List<double>(c10::ArrayRef<double>(data, a.count)));
    }
    case TensorList: {
      auto data = static_cast<at::Tensor* const*>(a.p);
      auto element = schema.type()->kind() == c10::TypeKind::ListType ? schema.type()->expectRef<c10::ListType>().getElementType() : nullptr;
      if (element && element->kind() == c10::TypeKind::OptionalType) {
        c10::List<Optional<at::Tensor>> list;
        for (int i = 0; i < a.count; i++) list.push_back(data[i] ? Optional<at::Tensor>(*data[i]) : Optional<at::Tensor>());
        return c10::IValue(list);
      }
      c10::List<at::Tensor> list;
      for (int i = 0; i < a.count; i++) list.push_back(*data[i]);
      return c10::IValue(list);
    }
    case DeviceArg: return c10::IValue(c10::Device(static_cast<c10::DeviceType>(a.i), static_cast<c10::DeviceIndex>(a.count)));
    case String: return c10::IValue(std::string(static_cast<const char*>(a.p), a.count));
    default: {
      auto fallback = schema.default_value();
      if (fallback) return *fallback;
      TORCH_CHECK(false, "argument '", schema.name(), "' has no default");
    }
  }
}

Result result(const c10::IValue& v) {
  Result r{};
  if (v.isTensor()) { r.tag = TensorArg; r.p = new at::Tensor(v.toTensor()); }
  else if (v.isInt()) { r.tag = Int; r.i = v.toInt(); }
  else if (v.isDouble()) { r.tag = Double; r.d = v.toDouble(); }
  else if (v.isBool()) { r.tag = Bool; r.i = v.toBool(); }
  else if (v.isScalar()) { auto s = v.toScalar(); if (s.isFloatingPoint()) { r.tag = Double; r.d = s.toDouble(); } else { r.tag = Int; r.i = s.toLong(); } }
  return r;
}
}  // namespace

API const char* xt_error() { return last_error.c_str(); }

API void* xt_find(const char* name, const char* overload) {
  return guarded([&]() -> void* {
    auto found = c10::Dispatcher::singleton().findSchema({name, overload});
    TORCH_CHECK(found.has_value(), "no operator ", name, ".", overload);
    return new c10::OperatorHandle(*found);
  }, nullptr);
}

// Returns the number of results, or -1. A list of tensors comes back as so many results.
API int xt_call(void* op, const Arg* args, int count, Result* results, int room) {
  return guarded([&]() -> int {
    auto& handle = *static_cast<c10::OperatorHandle*>(op);
    auto& arguments = handle.schema().arguments();
    torch::jit::Stack stack;
    stack.reserve(arguments.size());
    for (size_t i = 0; i < arguments.size(); i++) {
      static const Arg missing{DefaultArg, 0, 0, 0, nullptr};
      stack.push_back(value(static_cast<int>(i) < count ? args[i] : missing, arguments[i]));
    }
    handle.callBoxed(&stack);
    int n = 0;
    for (auto& v : stack) {
      if (v.isTensorList()) {
        for (const at::Tensor& t : v.toTensorVector()) { TORCH_CHECK(n < room, "too many results"); results[n++] = result(c10::IValue(t)); }
      } else { TORCH_CHECK(n < room, "too many results"); results[n++] = result(v); }
    }
    return n;
  }, -1);
}

API void* xt_from(const void* data, int dtype, const int64_t* shape, int rank) {
  return guarded([&]() -> void* {
    auto t = at::empty(c10::ArrayRef<int64_t>(shape, rank), at::TensorOptions().dtype(static_cast<c10::ScalarType>(dtype)));
    if (t.nbytes() > 0) std::memcpy(t.data_ptr(), data, t.nbytes());
    return new at::Tensor(std::move(t));
  }, nullptr);
}

API void xt_free(void* t) { delete static_cast<at::Tensor*>(t); }
API int xt_dim(void* t) { return static_cast<int>(static_cast<at::Tensor*>(t)->dim()); }
API int64_t xt_size(void* t, int dim) { return static_cast<at::Tensor*>(t)->sizes()[dim]; }
API int64_t xt_stride(void* t, int dim) { return static_cast<at::Tensor*>(t)->strides()[dim]; }
API int64_t xt_numel(void* t) { return static_cast<at::Tensor*>(t)->numel(); }
API int xt_dtype(void* t) { return static_cast<int>(static_cast<at::Tensor*>(t)->scalar_type()); }
API int xt_device_type(void* t) { return static_cast<int>(static_cast<at::Tensor*>(t)->device().type()); }
API int xt_device_index(void* t) { return static_cast<int>(static_cast<at::Tensor*>(t)->device().index()); }
API int xt_is_contiguous(void* t) { return static_cast<at::Tensor*>(t)->is_contiguous(); }
API void* xt_data(void* t) { return guarded([&]() -> void* { return static_cast<at::Tensor*>(t)->data_ptr(); }, nullptr); }
API int xt_requires_grad(void* t) { return static_cast<at::Tensor*>(t)->requires_grad(); }
API int xt_set_requires_grad(void* t, int on) { return guarded([&]() -> int { static_cast<at::Tensor*>(t)->set_requires_grad(on != 0); return 0; }, -1); }
API void* xt_grad(void* t) {
  auto g = static_cast<at::Tensor*>(t)->grad();
  return g.defined() ? new at::Tensor(std::move(g)) : nullptr;
}
API void xt_set_grad(void* t, void* g) { static_cast<at::Tensor*>(t)->mutable_grad() = g ? *static_cast<at::Tensor*>(g) : at::Tensor(); }
API int xt_backward(void* t) { return guarded([&]() -> int { static_cast<at::Tensor*>(t)->backward(); return 0; }, -1); }
API int xt_grad_enabled(int set, int on) {
  bool before = at::GradMode::is_enabled();
  if (set) at::GradMode::set_enabled(on != 0);
  return before;
}
API void xt_set_threads(int n) { at::set_num_threads(n); }
API int xt_threads() { return at::get_num_threads(); }
API int xt_seed(int64_t seed) { return guarded([&]() -> int { at::manual_seed(static_cast<uint64_t>(seed)); return 0; }, -1); }
API int xt_has_cuda() { return at::hasCUDA() ? 1 : 0; }
API const char* xt_version() {
  static std::string version = std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR) + "." + std::to_string(TORCH_VERSION_PATCH);
  return version.c_str();
}
