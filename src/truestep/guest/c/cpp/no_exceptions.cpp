// A program without exceptions: what throws ends the run and says what was thrown. Nothing catches, so the rest
// of the C++ runtime's exceptions and the unwinder are not linked.
#include <exception>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <truestep.h>

#include "private_typeinfo.h"

namespace {

const char *reason_of(void *thrown, const std::type_info *type) {
    auto *kind = dynamic_cast<const __cxxabiv1::__shim_type_info *>(type);
    auto *base = dynamic_cast<const __cxxabiv1::__shim_type_info *>(&typeid(std::exception));
    if (!kind || !base || !base->can_catch(kind, thrown)) return "";
    return static_cast<std::exception *>(thrown)->what();
}

[[noreturn]] void not_linked() {
    debug_print("exceptions are off: compile and link with -fexceptions");
    abort();
}

} // namespace

extern "C" {

void *__cxa_allocate_exception(size_t size) {
    void *thrown = malloc(size);
    if (!thrown) abort();
    return thrown;
}

void __cxa_free_exception(void *thrown) { free(thrown); }

[[noreturn]] void __cxa_throw(void *thrown, std::type_info *type, void (*)(void *)) {
    const char *reason = reason_of(thrown, type);
    debug_printf("exception of type %s%s%s\n", type->name(), *reason ? ": " : "", reason);
    not_linked();
}

[[noreturn]] void __cxa_rethrow() { not_linked(); }
[[noreturn]] void _Unwind_Resume(void *) { not_linked(); }
int _Unwind_RaiseException(void *) { not_linked(); }
void _Unwind_DeleteException(void *) {}
void *__cxa_begin_catch(void *) { not_linked(); }
void __cxa_end_catch() {}
int __gxx_personality_v0() { return 0; }

} // extern "C"

// What the headers of libc++ call in the place of a throw.
_LIBCPP_BEGIN_NAMESPACE_STD
[[noreturn]] void __libcpp_verbose_abort(const char *format, ...) noexcept {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    debug_print(text);
    abort();
}
_LIBCPP_END_NAMESPACE_STD
