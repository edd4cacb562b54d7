use crate::{Error, Zone};

/// Frames of one mobility share blocks, so that frames that are freed together leave wholly free blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mobility {
    #[default]
    Movable = 0,
    Unmovable = 1,
    Reclaimable = 2,
}

/// What an allocation got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// The number of the first frame.
    pub pfn: u64,
    /// The frames hold what the reporting device promised when it took them.
    pub content_known: bool,
}

/// The part of a zone through which one thread allocates and frees. Dropped, it gives up the frames that it holds.
pub struct Cache {
    zone: Zone,
    index: u32,
    raw: *mut fallow_sys::fallow_cache,
}
// SAFETY: one thread at a time uses a cache, which `&mut self` ensures; it may be another one each time.
unsafe impl Send for Cache {}

impl Cache {
    pub(crate) fn new(zone: Zone, index: u32, raw: *mut fallow_sys::fallow_cache) -> Cache {
        Cache { zone, index, raw }
    }

    /// Allocates 2^order frames (order 0 to 10), aligned to their size. Fails with `FALLOW_NO_MEMORY` where no such
    /// block is free, and with `FALLOW_INVALID_ARGUMENT` where the order is out of range.
    pub fn allocate(&mut self, order: u32, mobility: Mobility) -> Result<Allocation, Error> {
        // SAFETY: the cache is valid, and this thread's alone.
        let a = unsafe { fallow_sys::fallow_allocate(self.raw, order, mobility as u32) };
        Error::check(a.status)?;
        Ok(Allocation {
            pfn: a.pfn,
            content_known: a.content_known != 0,
        })
    }

    /// Frees 2^order frames from `pfn` on: a whole allocation or an aligned part of one, of any cache of the zone. A
    /// double free, a frame outside the zone and a frame that is not aligned to the order are errors, and change
    /// nothing.
    pub fn free(&mut self, pfn: u64, order: u32) -> Result<(), Error> {
        // SAFETY: as in allocate(). A frame is a number here: whoever frees one that is in use breaks no memory of Rust.
        Error::check(unsafe { fallow_sys::fallow_free(self.raw, pfn, order) })
    }

    /// Gives back the free frames that the cache holds, at most 128: before a thread idles.
    pub fn drain(&mut self) {
        // SAFETY: as in allocate().
        let status = unsafe { fallow_sys::fallow_cache_drain(self.raw) };
        debug_assert_eq!(status, fallow_sys::FALLOW_OK);
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        // SAFETY: as in allocate().
        let status = unsafe { fallow_sys::fallow_cache_retire(self.raw) };
        debug_assert_eq!(status, fallow_sys::FALLOW_OK);
        self.zone.give_back(self.index);
    }
}
