use std::ffi::CStr;
use std::os::raw::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::{Cache, Error, ZoneStats};

/// A range of page frames. Clones are the same zone, which lives until the last clone, cache and reporter is dropped.
#[derive(Clone)]
pub struct Zone(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) raw: *mut fallow_sys::fallow_zone,
    taken: Box<[AtomicBool]>, // the caches that a `Cache` stands for
    _tables: Box<[u64]>,
}
// SAFETY: the functions that take a zone may be called by any thread; those that take a cache are called through `Cache`.
unsafe impl Send for Inner {}
unsafe impl Sync for Inner {}

impl Zone {
    /// Makes a zone of the `frames` free frames from number `base` on, for as many threads as `caches` says (1 to 4095).
    /// Fails with `FALLOW_INVALID_ARGUMENT` where a number is out of range. Costs 2.2 bits a frame.
    pub fn new(base: u64, frames: u64, caches: u32) -> Result<Zone, Error> {
        crate::panic::link();
        let config = fallow_sys::fallow_zone_config {
            base,
            frames,
            caches,
            flags: 0,
        };
        // SAFETY: the pointers are valid for the call; port and tables are what the library asks for.
        unsafe {
            let size = fallow_sys::fallow_zone_size(&config);
            if size == 0 {
                return Err(Error(fallow_sys::FALLOW_INVALID_ARGUMENT));
            }
            let mut tables = memory(size);
            let mut raw = core::ptr::null_mut();
            let made = fallow_sys::fallow_zone_create(
                &port(),
                &config,
                tables.as_mut_ptr().cast(),
                size,
                &mut raw,
            );
            Error::check(made)?;
            let taken = (0..caches.max(1)).map(|_| AtomicBool::new(false)).collect();
            Ok(Zone(Arc::new(Inner {
                raw,
                taken,
                _tables: tables,
            })))
        }
    }

    /// Returns the cache of this number for the calling thread, or for another one that it is moved to. None: there is
    /// no such cache, or a `Cache` stands for it already.
    pub fn cache(&self, index: u32) -> Option<Cache> {
        let taken = self.0.taken.get(index as usize)?;
        if taken.swap(true, Ordering::Acquire) {
            return None;
        }
        // SAFETY: the zone lives as long as the `Cache`, which holds it.
        Some(Cache::new(self.clone(), index, unsafe {
            fallow_sys::fallow_zone_cache(self.0.raw, index)
        }))
    }

    /// The counts of the zone, in frames: exact while no thread changes the zone.
    pub fn stats(&self) -> ZoneStats {
        let mut stats = ZoneStats::default();
        // SAFETY: both pointers are valid.
        let status = unsafe { fallow_sys::fallow_zone_get_stats(self.0.raw, &mut stats) };
        debug_assert_eq!(status, fallow_sys::FALLOW_OK);
        stats
    }

    /// Keeps every cache from being taken until give_back_all(). False, and nothing is kept: a `Cache` exists.
    pub(crate) fn take_all(&self) -> bool {
        for (index, taken) in self.0.taken.iter().enumerate() {
            if taken.swap(true, Ordering::Acquire) {
                self.0.taken[..index]
                    .iter()
                    .for_each(|taken| taken.store(false, Ordering::Release));
                return false;
            }
        }
        true
    }

    pub(crate) fn give_back_all(&self) {
        self.0
            .taken
            .iter()
            .for_each(|taken| taken.store(false, Ordering::Release));
    }

    pub(crate) fn give_back(&self, index: u32) {
        self.0.taken[index as usize].store(false, Ordering::Release);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: caches and reporters hold the zone, so that none is left.
        let status = unsafe { fallow_sys::fallow_zone_destroy(self.raw) };
        debug_assert_eq!(status, fallow_sys::FALLOW_OK);
    }
}

impl Inner {
    /// The broken invariant, or None. No thread may allocate, free or report meanwhile, which is why only the last
    /// holder of the zone may ask.
    fn check(&mut self) -> Option<String> {
        // SAFETY: the zone is valid, and nobody else uses it.
        let broken = unsafe { fallow_sys::fallow_zone_check(self.raw, core::ptr::null_mut()) };
        if broken.is_null() {
            None
        } else {
            // SAFETY: a constant text.
            Some(
                unsafe { CStr::from_ptr(broken) }
                    .to_string_lossy()
                    .into_owned(),
            )
        }
    }
}

impl Zone {
    /// Walks the whole zone and returns the broken invariant's number and sentence, or None. `Err` where another clone,
    /// a cache or a reporter still holds the zone.
    pub fn check(&mut self) -> Result<Option<String>, Error> {
        match Arc::get_mut(&mut self.0) {
            Some(inner) => Ok(inner.check()),
            None => Err(Error(fallow_sys::FALLOW_BUSY)),
        }
    }
}

/// Zero-filled memory for a handle of the library.
pub(crate) fn memory(size: u64) -> Box<[u64]> {
    vec![0; (size as usize + 7) / 8].into_boxed_slice()
}

unsafe extern "C" fn now(_context: *mut c_void) -> u64 {
    static START: Mutex<Option<Instant>> = Mutex::new(None);
    let mut start = START
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    start.get_or_insert_with(Instant::now).elapsed().as_nanos() as u64
}
unsafe extern "C" fn relax(_context: *mut c_void) {
    std::thread::yield_now();
}
unsafe extern "C" fn current(_context: *mut c_void) -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| here as *const u8 as usize)
}

pub(crate) fn port() -> fallow_sys::fallow_port {
    fallow_sys::fallow_port {
        context: core::ptr::null_mut(),
        now: Some(now),
        wake_at: None,
        relax: Some(relax),
        current: Some(current),
        allocate: None,
        release: None,
    }
}
