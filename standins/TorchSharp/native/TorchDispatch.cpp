// The ATen dispatcher as a C interface: find an operator's schema once, push tagged arguments, fill defaults from the schema, call boxed, pop
// results; and what the dispatcher has no operator for: autograd, raw data, threads, generators, devices. Nothing here names an operator
// or CUDA, so that it compiles against libtorch 1.13 to 2.11, CPU and CUDA builds alike.
#include <dlfcn.h>
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/version.h>
#include <malloc.h>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))

namespace {
// Tensors of a step are freed and made again all the time: handing their pages back to the kernel each time costs more than the step.
const bool keeps_memory = mallopt(M_MMAP_THRESHOLD, 1 << 30) && mallopt(M_TRIM_THRESHOLD, 1 << 30);

// On a processor with AMX the oneDNN 2.6 of libtorch 1.13 ends a .NET process with an invalid opcode; without AMX it does not. What the user has set holds.
#if TORCH_VERSION_MAJOR < 2
const bool spares_amx = setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16", 0) == 0;
#endif

thread_local std::string last_error;

enum Tag : int32_t { None = 0, TensorArg = 1, Int = 2, Double = 3, Bool = 4, IntList = 5, TensorList = 6, DefaultArg = 7, DeviceArg = 8, DoubleList = 9, String = 10, GeneratorArg = 11 };

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

thread_local std::vector<Result> last_results;

struct Operator {
  c10::OperatorHandle handle;
  size_t arity;
};

at::Tensor& tensor(void* t) { return *static_cast<at::Tensor*>(t); }

template <class F>
auto guarded(F f, decltype(f()) failed) -> decltype(f()) {
  try {
    return f();
  } catch (const c10::Error& e) {
    last_error = e.what_without_backtrace();
  } catch (const std::exception& e) {
    last_error = e.what();
  } catch (...) {
    last_error = "libtorch failed with an unknown exception";
  }
  return failed;
}

// The element type of a list argument; its optional wrapper, if any, is looked through.
c10::TypePtr element_type(const c10::Argument& argument) {
  c10::TypePtr type = argument.type();
  if (type->kind() == c10::TypeKind::OptionalType) type = type->expectRef<c10::OptionalType>().getElementType();
  return type->kind() == c10::TypeKind::ListType ? type->expectRef<c10::ListType>().getElementType() : c10::TypePtr();
}

bool takes_float(const c10::Argument& argument) {
  c10::TypePtr type = argument.type();
  if (type->kind() == c10::TypeKind::OptionalType) type = type->expectRef<c10::OptionalType>().getElementType();
  return type->kind() == c10::TypeKind::FloatType;
}

c10::IValue value(const Arg& a, const c10::Argument& argument) {
  switch (a.tag) {
    case None: return c10::IValue();
    case TensorArg: return a.p ? c10::IValue(*static_cast<const at::Tensor*>(a.p)) : c10::IValue();
    case Int: return takes_float(argument) ? c10::IValue(static_cast<double>(a.i)) : c10::IValue(a.i);
    case Double: return c10::IValue(a.d);
    case Bool: return c10::IValue(a.i != 0);
    case IntList: return c10::IValue(c10::List<int64_t>(c10::ArrayRef<int64_t>(static_cast<const int64_t*>(a.p), a.count)));
    case DoubleList: return c10::IValue(c10::List<double>(c10::ArrayRef<double>(static_cast<const double*>(a.p), a.count)));
    case TensorList: {
      auto data = static_cast<at::Tensor* const*>(a.p);
      auto element = element_type(argument);
      if (element && element->kind() == c10::TypeKind::OptionalType) {
        c10::impl::GenericList list(element);
        list.reserve(a.count);
        for (int i = 0; i < a.count; i++) list.push_back(data[i] ? c10::IValue(*data[i]) : c10::IValue());
        return c10::IValue(list);
      }
      c10::List<at::Tensor> list;
      list.reserve(a.count);
      for (int i = 0; i < a.count; i++) list.push_back(*data[i]);
      return c10::IValue(list);
    }
    case DeviceArg: return c10::IValue(c10::Device(static_cast<c10::DeviceType>(a.i), static_cast<c10::DeviceIndex>(a.count)));
    case String: return c10::IValue(std::string(static_cast<const char*>(a.p), a.count));
    case GeneratorArg: return a.p ? c10::IValue(*static_cast<const at::Generator*>(a.p)) : c10::IValue();
    default: {
      const auto& fallback = argument.default_value();
      TORCH_CHECK(fallback.has_value(), "argument '", argument.name(), "' has no default");
      return *fallback;
    }
  }
}

Result result(const c10::IValue& v) {
  Result r{};
  if (v.isTensor()) { r.tag = TensorArg; r.p = v.toTensor().defined() ? new at::Tensor(v.toTensor()) : nullptr; }
  else if (v.isInt()) { r.tag = Int; r.i = v.toInt(); }
  else if (v.isDouble()) { r.tag = Double; r.d = v.toDouble(); }
  else if (v.isBool()) { r.tag = Bool; r.i = v.toBool(); }
  return r;
}

std::vector<at::Tensor> list(void* const* tensors, int count) {
  std::vector<at::Tensor> all;
  all.reserve(count);
  for (int i = 0; i < count; i++) all.push_back(tensors[i] ? *static_cast<at::Tensor*>(tensors[i]) : at::Tensor());
  return all;
}
}  // namespace

API const char* xt_error() { return last_error.c_str(); }

API void* xt_find(const char* name, const char* overload) {
  return guarded([&]() -> void* {
    auto found = c10::Dispatcher::singleton().findSchema({name, overload});
    TORCH_CHECK(found.has_value(), "this libtorch has no operator ", name, ".", overload);
    return new Operator{*found, found->schema().arguments().size()};
  }, nullptr);
}

// Returns the number of results, or -1; they lie at *results until this thread's next call. A list of tensors comes back as so many results.
API int xt_call(void* op, const Arg* args, int count, const Result** results) {
  return guarded([&]() -> int {
    auto& oper = *static_cast<Operator*>(op);
    auto& arguments = oper.handle.schema().arguments();
    torch::jit::Stack stack;
    stack.reserve(oper.arity);
    static const Arg missing{DefaultArg, 0, 0, 0, nullptr};
    for (size_t i = 0; i < oper.arity; i++) stack.push_back(value(static_cast<int>(i) < count ? args[i] : missing, arguments[i]));
    oper.handle.callBoxed(&stack);
    last_results.clear();
    for (auto& v : stack) {
      if (v.isTensorList()) {
        for (const at::Tensor& t : v.toTensorVector()) last_results.push_back(result(c10::IValue(t)));
      } else {
        last_results.push_back(result(v));
      }
    }
    *results = last_results.data();
    return static_cast<int>(last_results.size());
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
API void* xt_alias(void* t) { return new at::Tensor(tensor(t)); }
API int xt_same(void* a, void* b) { return tensor(a).is_same(tensor(b)); }
API int64_t xt_identity(void* t) { return reinterpret_cast<int64_t>(tensor(t).unsafeGetTensorImpl()); }
API int xt_dim(void* t) { return static_cast<int>(tensor(t).dim()); }
API int64_t xt_size(void* t, int dim) { return tensor(t).sizes()[dim]; }
API int64_t xt_stride(void* t, int dim) { return tensor(t).strides()[dim]; }
API int64_t xt_offset(void* t) { return tensor(t).storage_offset(); }
API int64_t xt_numel(void* t) { return tensor(t).numel(); }
API int xt_dtype(void* t) { return static_cast<int>(tensor(t).scalar_type()); }
API int xt_device_type(void* t) { return static_cast<int>(tensor(t).device().type()); }
API int xt_device_index(void* t) { return static_cast<int>(tensor(t).device().index()); }
API int xt_is_contiguous(void* t) { return tensor(t).is_contiguous(); }
API void* xt_data(void* t) { return guarded([&]() -> void* { return tensor(t).data_ptr(); }, nullptr); }
API int xt_requires_grad(void* t) { return tensor(t).requires_grad(); }
API int xt_is_leaf(void* t) { return tensor(t).is_leaf(); }
API int xt_set_requires_grad(void* t, int on) { return guarded([&]() -> int { tensor(t).set_requires_grad(on != 0); return 0; }, -1); }
API int xt_retain_grad(void* t) { return guarded([&]() -> int { tensor(t).retain_grad(); return 0; }, -1); }
API void* xt_grad(void* t) {
  auto& g = tensor(t).mutable_grad();
  return g.defined() ? new at::Tensor(g) : nullptr;
}
API int xt_set_grad(void* t, void* g) {
  return guarded([&]() -> int { tensor(t).mutable_grad() = g ? tensor(g) : at::Tensor(); return 0; }, -1);
}

API int xt_backward(void* const* tensors, int count, void* const* grads, int grad_count, int retain, int create, void* const* inputs, int input_count) {
  return guarded([&]() -> int {
    torch::autograd::backward(list(tensors, count), list(grads, grad_count), retain != 0, create != 0, list(inputs, input_count));
    return 0;
  }, -1);
}

// Gradients of outputs with respect to inputs, one handle an input (null where it was not used).
API int xt_gradients(void* const* outputs, int count, void* const* inputs, int input_count, void* const* grads, int grad_count, int retain, int create, int unused, void** made) {
  return guarded([&]() -> int {
    auto results = torch::autograd::grad(list(outputs, count), list(inputs, input_count), list(grads, grad_count), retain != 0, create != 0, unused != 0);
    for (size_t i = 0; i < results.size(); i++) made[i] = results[i].defined() ? new at::Tensor(results[i]) : nullptr;
    return 0;
  }, -1);
}

// A step of the graph whose derivative the caller works out.
struct CallerNode : torch::autograd::Node {
  typedef int (*Backward)(int64_t key, void* const* gradients, int count, void** made, int made_count);
  typedef void (*Dropped)(int64_t key);
  int64_t key;
  size_t inputs;
  Backward backward;
  Dropped dropped;

  CallerNode(int64_t key, size_t inputs, Backward backward, Dropped dropped) : key(key), inputs(inputs), backward(backward), dropped(dropped) {}
  ~CallerNode() override { dropped(key); }
  std::string name() const override { return "CallerNode"; }

  torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override {
    std::vector<void*> given(gradients.size()), made(inputs, nullptr);
    for (size_t i = 0; i < given.size(); i++) given[i] = gradients[i].defined() ? new at::Tensor(gradients[i]) : nullptr;
    if (backward(key, given.data(), static_cast<int>(given.size()), made.data(), static_cast<int>(made.size())) < 0) throw std::runtime_error(last_error);
    torch::autograd::variable_list result(inputs);
    for (size_t i = 0; i < inputs; i++) {
      if (!made[i]) continue;
      result[i] = tensor(made[i]);
      xt_free(made[i]);
    }
    return result;
  }
};

// Makes outputs, worked out without a graph, depend on inputs. The key is the caller's until the last use is gone.
API int xt_depend(int64_t key, CallerNode::Backward backward, CallerNode::Dropped dropped, void* const* inputs, int count, void* const* outputs, int output_count) {
  return guarded([&]() -> int {
    auto variables = list(inputs, count);
    std::shared_ptr<CallerNode> node(new CallerNode(key, variables.size(), backward, dropped), torch::autograd::deleteNode);
    node->set_next_edges(torch::autograd::collect_next_edges(variables));
    for (int i = 0; i < output_count; i++) torch::autograd::set_history(tensor(outputs[i]), node);
    return 0;
  }, -1);
}

// What the next error of a call back says.
API void xt_set_error(const char* text) { last_error = text; }

API int xt_grad_enabled(int set, int on) {
  bool before = at::GradMode::is_enabled();
  if (set) at::GradMode::set_enabled(on != 0);
  return before;
}
API void* xt_inference_enter(int on) { return new c10::InferenceMode(on != 0); }
API void xt_inference_leave(void* guard) { delete static_cast<c10::InferenceMode*>(guard); }

// ATen tells MKL and OpenMP; Debian's OpenBLAS has threads of its own and would go on with as many as there are cores.
API void xt_set_threads(int n) {
    at::set_num_threads(n);
    static const auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
    if (set) set(n);
}
API int xt_threads() { return at::get_num_threads(); }
API int xt_set_interop_threads(int n) { return guarded([&]() -> int { at::set_num_interop_threads(n); return 0; }, -1); }
API int xt_interop_threads() { return static_cast<int>(at::get_num_interop_threads()); }

API int xt_seed(int64_t seed) { return guarded([&]() -> int { at::manual_seed(static_cast<uint64_t>(seed)); return 0; }, -1); }
API void* xt_generator(uint64_t seed, int device_type, int device_index) {
  return guarded([&]() -> void* {
    if (device_type == 0) return new at::Generator(at::make_generator<at::CPUGeneratorImpl>(seed));
    auto generator = at::globalContext().defaultGenerator(c10::Device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index))).clone();
    generator.set_current_seed(seed);
    return new at::Generator(std::move(generator));
  }, nullptr);
}
API void* xt_generator_default() { return guarded([&]() -> void* { return new at::Generator(at::globalContext().defaultGenerator(c10::Device(c10::kCPU))); }, nullptr); }
API void xt_generator_free(void* g) { delete static_cast<at::Generator*>(g); }
API void xt_generator_seed(void* g, int64_t seed) {
  auto& generator = *static_cast<at::Generator*>(g);
  std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(static_cast<uint64_t>(seed));
}
API int64_t xt_generator_initial_seed(void* g) { return static_cast<int64_t>(static_cast<at::Generator*>(g)->current_seed()); }
API void* xt_generator_state(void* g) {
  return guarded([&]() -> void* {
    auto& generator = *static_cast<at::Generator*>(g);
    std::lock_guard<std::mutex> lock(generator.mutex());
    return new at::Tensor(generator.get_state());
  }, nullptr);
}
API int xt_generator_set_state(void* g, void* state) {
  return guarded([&]() -> int {
    auto& generator = *static_cast<at::Generator*>(g);
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(tensor(state));
    return 0;
  }, -1);
}

API int xt_has_cuda() { return at::hasCUDA() ? 1 : 0; }
API int xt_cuda_count() { return at::hasCUDA() ? static_cast<int>(at::getNumGPUs()) : 0; }
API int xt_cuda_synchronize(int index) { return guarded([&]() -> int { at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(index)); return 0; }, -1); }
API const char* xt_version() {
  static std::string version = std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR) + "." + std::to_string(TORCH_VERSION_PATCH) + ".0";
  return version.c_str();
}
