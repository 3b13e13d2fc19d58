//! What compiled code takes for granted, as small objects: memory functions, the C++ runtime's symbols, tags.

use crate::world::Source;
use std::collections::BTreeSet;

const MEMORY: &str = "
void *memcpy(void *to, const void *from, unsigned long n) { char *t = to; const char *f = from; while (n--) *t++ = *f++; return to; }
void *memset(void *to, int c, unsigned long n) { char *t = to; while (n--) *t++ = c; return to; }
static char heap[4096]; static unsigned long used;
void *malloc(unsigned long n) { void *p = heap + used; used += n; return p; }
void free(void *p) {}
void *allocate(unsigned long) __asm__(\"_Znwm\"); void *allocate(unsigned long n) { return malloc(n); }
void release(void*) __asm__(\"_ZdlPv\"); void release(void *p) {}
void release_sized(void*, unsigned long) __asm__(\"_ZdlPvm\"); void release_sized(void *p, unsigned long n) {}
";

const CXX: &str = "
void *class_info[8] __asm__(\"_ZTVN10__cxxabiv117__class_type_infoE\") = {0};
void *single_class_info[8] __asm__(\"_ZTVN10__cxxabiv120__si_class_type_infoE\") = {0};
void *int_info[2] __asm__(\"_ZTIi\") = {0};
int __cxa_atexit(void (*f)(void*), void *a, void *d) { return 0; }
int __cxa_thread_atexit(void (*f)(void*), void *a, void *d) { return 0; }
int __cxa_guard_acquire(void *g) { return !*(char*)g; }
void __cxa_guard_release(void *g) { *(char*)g = 1; }
void __cxa_guard_abort(void *g) {}
void __cxa_pure_virtual(void) { __builtin_trap(); }
void *malloc(unsigned long);
void *__cxa_allocate_exception(unsigned long n) { return malloc(n); }
void __cxa_free_exception(void *p) {}
void __cxa_throw(void *p, void *t, void *d) { __builtin_trap(); }
void __cxa_rethrow(void) { __builtin_trap(); }
void *__cxa_begin_catch(void *p) { return p; }
void __cxa_end_catch(void) {}
void *__cxa_get_exception_ptr(void *p) { return p; }
int _Unwind_CallPersonality(void *p) { return 0; }
int __gxx_personality_wasm0(int a) { return 0; }
void terminate(void) __asm__(\"_ZSt9terminatev\"); void terminate(void) { __builtin_trap(); }
_Thread_local void *__wasm_lpad_context[4];
";

const LATE: &str = "
extern void keep(void*) __attribute__((weak));
int __cxa_atexit(void (*f)(void*), void *a, void *d) { if (keep) keep(a); return 1; }
_Thread_local int late_tls = 4;
static const char *late = \"late tail\";
const char *late_name(void) { return late + late_tls; }
";

/// The objects; the first three define `rt`.
pub fn sources(is_64: bool) -> Vec<Source> {
    let pointer = if is_64 { "i64" } else { "i32" };
    let tags = format!(
        "\t.tagtype __cpp_exception {pointer}\n\t.globl __cpp_exception\n__cpp_exception:\n\
         \t.tagtype __c_longjmp {pointer}\n\t.globl __c_longjmp\n__c_longjmp:\n"
    );
    let source = |file: &str, text: &str, flags: &[&str], defines: &[&str]| Source {
        file: file.into(),
        text: text.into(),
        flags: flags.iter().map(|flag| flag.to_string()).collect(),
        defines: defines.iter().map(|name| name.to_string()).collect(),
        strong: text.contains("int __cxa_atexit").then(|| "__cxa_atexit".to_string()).into_iter().collect(),
        needs: BTreeSet::new(),
    };
    vec![
        source("rt_memory.c", MEMORY, &["-O1", "-ffreestanding", "-fno-builtin"], &["rt"]),
        source("rt_cxx.c", CXX, &["-O1", "-fno-builtin"], &["rt"]),
        source("rt_tags.s", &tags, &["-mattr=+exception-handling"], &["rt"]),
        source("rt_late.c", LATE, &["-O2"], &["late"]),
    ]
}
