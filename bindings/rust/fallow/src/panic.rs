//! What the library calls when one of its internal checks fails.
use std::ffi::CStr;
use std::os::raw::{c_char, c_int};

#[no_mangle]
extern "C" fn fallow_panic(what: *const c_char, file: *const c_char, line: c_int) -> ! {
    // SAFETY: the library passes constant texts.
    let (what, file) = unsafe { (CStr::from_ptr(what), CStr::from_ptr(file)) };
    eprintln!(
        "fallow: {}:{line}: check failed: {}",
        file.to_string_lossy(),
        what.to_string_lossy()
    );
    std::process::abort()
}

static PANIC: fallow_sys::Panic = fallow_panic;

/// Makes the linker take this file before it comes to the library, which refers to `fallow_panic`.
pub(crate) fn link() {
    // SAFETY: a reference to a static can be read.
    unsafe { core::ptr::read_volatile(&PANIC) };
}
