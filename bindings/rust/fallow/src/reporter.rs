use std::ffi::CString;
use std::os::raw::c_void;

use crate::zone::{memory, port};
use crate::{Error, Zone};

/// A run of free frames in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of the first frame.
    pub pfn: u64,
    /// The number of frames; at least 1.
    pub frames: u64,
    /// The end bit: set in the last entry of the batch, and in no other.
    pub end: bool,
}

/// A device that receives batches of frames that nobody uses.
pub trait ReportingDevice: Send {
    /// The most entries in a batch; at least 1. Asked once, at registration.
    fn capacity(&self) -> u32;

    /// The smallest block to report: 0 (single frames) to 10. Asked once, at registration.
    fn order(&self) -> u32 {
        9
    }

    /// Takes a batch. No thread can allocate its frames until this returns. `Err`: the device did not take them, and
    /// they are reported again later. A panic ends the program.
    fn report(&mut self, batch: &[Entry]) -> Result<(), Error>;
}

/// Reports the free frames of its zones to one device.
pub struct Reporter {
    raw: *mut fallow_sys::fallow_reporter,
    registered: Option<Box<Registered>>,
    _zones: Box<[Zone]>,
    _memory: Box<[u64]>,
}
// SAFETY: the functions that take a reporter may be called by any thread; &mut self makes it one at a time.
unsafe impl Send for Reporter {}

struct Registered {
    info: fallow_sys::fallow_page_reporting_dev_info, // its context points to this structure
    device: Box<dyn ReportingDevice>,
    batch: Vec<Entry>,
}

impl Reporter {
    /// Makes a reporter of the zones, for devices whose capacity is at most `capacity`. Fails with `FALLOW_BUSY` where a
    /// zone has a reporter, and with `FALLOW_INVALID_ARGUMENT` where a number is out of range, a zone is there twice, or
    /// a `Cache` of a zone exists: no thread may use the zones meanwhile.
    pub fn new(zones: &[Zone], capacity: u32) -> Result<Reporter, Error> {
        let raw_zones: Vec<_> = zones.iter().map(|zone| zone.0.raw).collect();
        let config = fallow_sys::fallow_reporter_config {
            zones: raw_zones.as_ptr(),
            zone_count: zones.len() as u32,
            capacity,
            in_flight: 1,
        };
        // A zone that is there twice cannot be kept twice.
        for (index, zone) in zones.iter().enumerate() {
            if !zone.take_all() {
                zones[..index].iter().for_each(Zone::give_back_all);
                return Err(Error(fallow_sys::FALLOW_INVALID_ARGUMENT));
            }
        }
        let made = Reporter::create(zones, &config);
        zones.iter().for_each(Zone::give_back_all);
        made
    }

    fn create(
        zones: &[Zone],
        config: &fallow_sys::fallow_reporter_config,
    ) -> Result<Reporter, Error> {
        // SAFETY: the pointers are valid for the call, and zones and memory live as long as the reporter.
        unsafe {
            let size = fallow_sys::fallow_reporter_size(config);
            if size == 0 {
                return Err(Error(fallow_sys::FALLOW_INVALID_ARGUMENT));
            }
            let mut memory = memory(size);
            let mut raw = core::ptr::null_mut();
            let made = fallow_sys::fallow_reporter_create(
                &port(),
                config,
                memory.as_mut_ptr().cast(),
                size,
                &mut raw,
            );
            Error::check(made)?;
            Ok(Reporter {
                raw,
                registered: None,
                _zones: zones.into(),
                _memory: memory,
            })
        }
    }

    /// Registers a device. From then on run() reports what is free and unreported. `policy` says when: "aged:100ms",
    /// "hwm:32", "linux". Fails with `FALLOW_BUSY` where a device is registered.
    pub fn register(
        &mut self,
        device: Box<dyn ReportingDevice>,
        policy: &str,
    ) -> Result<(), Error> {
        let policy =
            CString::new(policy).map_err(|_| Error(fallow_sys::FALLOW_INVALID_ARGUMENT))?;
        if self.registered.is_some() {
            return Err(Error(fallow_sys::FALLOW_BUSY));
        }
        let mut registered = Box::new(Registered {
            info: fallow_sys::fallow_page_reporting_dev_info {
                report: Some(report),
                capacity: device.capacity(),
                in_flight: 1,
                order: match device.order() {
                    0 => fallow_sys::FALLOW_REPORT_SINGLE_FRAMES,
                    order => order,
                },
                content_after: 0,
                context: core::ptr::null_mut(),
            },
            device,
            batch: Vec::new(),
        });
        let context: *mut Registered = &mut *registered;
        registered.info.context = context as *mut c_void;
        // SAFETY: the structure stays where it is, in its box, until it is unregistered.
        unsafe {
            let info = core::ptr::addr_of_mut!((*context).info);
            Error::check(fallow_sys::fallow_page_reporting_register(
                self.raw,
                info,
                policy.as_ptr(),
            ))?;
        }
        self.registered = Some(registered);
        Ok(())
    }

    /// Unregisters the device and returns it. Fails with `FALLOW_NOT_FOUND` where none is registered. Frames stay
    /// reported: the next registration continues from there.
    pub fn unregister(&mut self) -> Result<Box<dyn ReportingDevice>, Error> {
        let mut registered = self
            .registered
            .take()
            .ok_or(Error(fallow_sys::FALLOW_NOT_FOUND))?;
        // SAFETY: this structure is the registered one.
        let status =
            unsafe { fallow_sys::fallow_page_reporting_unregister(self.raw, &mut registered.info) };
        assert_eq!(
            status,
            fallow_sys::FALLOW_OK,
            "a registered device can be unregistered"
        );
        Ok(registered.device)
    }

    /// Reports what is due now. Returns whether something is left that is due already; otherwise the next call is worth
    /// while after frees, or when the policy's time has passed.
    pub fn run(&mut self) -> bool {
        // SAFETY: the reporter is valid, and `report` borrows the device only meanwhile.
        let next = unsafe { fallow_sys::fallow_reporter_run(self.raw) };
        // SAFETY: the clock has no state of its own.
        let now = unsafe { port().now.map_or(0, |now| now(core::ptr::null_mut())) };
        next != fallow_sys::FALLOW_NEVER && next <= now
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        let _ = self.unregister();
        // SAFETY: no device is registered, and nobody else has the reporter.
        let status = unsafe { fallow_sys::fallow_reporter_destroy(self.raw) };
        debug_assert_eq!(status, fallow_sys::FALLOW_OK);
    }
}

unsafe extern "C" fn report(
    info: *mut fallow_sys::fallow_page_reporting_dev_info,
    list: *const fallow_sys::fallow_scatterlist,
    count: u32,
    _token: u32,
) -> fallow_sys::fallow_status {
    let registered = (*info).context as *mut Registered;
    let device = &mut *core::ptr::addr_of_mut!((*registered).device);
    let batch = &mut *core::ptr::addr_of_mut!((*registered).batch);
    let list = core::slice::from_raw_parts(list, count as usize);
    batch.clear();
    batch.extend(list.iter().map(|e| Entry {
        pfn: e.pfn,
        frames: e.nr_pages,
        end: e.end != 0,
    }));
    // A panic must not unwind into the library.
    let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| device.report(batch)));
    match answer {
        Ok(Ok(())) => fallow_sys::FALLOW_OK,
        Ok(Err(_)) => fallow_sys::FALLOW_FAILED,
        Err(_) => std::process::abort(),
    }
}
