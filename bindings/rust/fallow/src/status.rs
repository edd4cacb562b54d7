use core::fmt;
use std::ffi::CStr;

/// Why a call failed; a `FALLOW_` constant of `fallow_sys` other than `FALLOW_OK`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error(pub fallow_sys::fallow_status);

impl Error {
    pub(crate) fn check(status: fallow_sys::fallow_status) -> Result<(), Error> {
        if status == fallow_sys::FALLOW_OK {
            Ok(())
        } else {
            Err(Error(status))
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: the text is constant, and never null.
        f.write_str(
            &unsafe { CStr::from_ptr(fallow_sys::fallow_status_text(self.0)) }.to_string_lossy(),
        )
    }
}
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}: {self})", self.0)
    }
}
impl std::error::Error for Error {}
