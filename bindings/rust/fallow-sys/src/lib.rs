//! The functions and structures of `fallow/c/fallow.h` that allocate and report pages. The headers say what each one
//! does; the crate `fallow` wraps them safely.
#![allow(non_camel_case_types)]

use std::os::raw::{c_char, c_int, c_void};

pub const FALLOW_C_ABI_VERSION: u32 = 1;
pub const FALLOW_NEVER: u64 = u64::MAX;
pub const FALLOW_REPORT_SINGLE_FRAMES: u32 = u32::MAX;

pub type fallow_status = u32;
pub const FALLOW_OK: fallow_status = 0;
pub const FALLOW_NO_MEMORY: fallow_status = 1;
pub const FALLOW_BUSY: fallow_status = 2;
pub const FALLOW_INVALID_ARGUMENT: fallow_status = 3;
pub const FALLOW_NOT_FOUND: fallow_status = 4;
pub const FALLOW_DEADLOCK: fallow_status = 5;
pub const FALLOW_FAILED: fallow_status = 6;
pub const FALLOW_PENDING: fallow_status = 7;
pub const FALLOW_CONTENT_UNKNOWN: fallow_status = 8;
pub const FALLOW_NOT_ALLOCATED: fallow_status = 9;
pub const FALLOW_OUTSIDE_ZONE: fallow_status = 10;
pub const FALLOW_MISALIGNED: fallow_status = 11;

#[repr(C)]
pub struct fallow_port {
    pub context: *mut c_void,
    pub now: Option<unsafe extern "C" fn(*mut c_void) -> u64>,
    pub wake_at: Option<unsafe extern "C" fn(*mut c_void, u64)>,
    pub relax: Option<unsafe extern "C" fn(*mut c_void)>,
    pub current: Option<unsafe extern "C" fn(*mut c_void) -> usize>,
    pub allocate: Option<unsafe extern "C" fn(*mut c_void, u64) -> *mut c_void>,
    pub release: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, u64)>,
}

#[repr(C)]
pub struct fallow_zone {
    _opaque: [u8; 0],
}
#[repr(C)]
pub struct fallow_cache {
    _opaque: [u8; 0],
}
#[repr(C)]
pub struct fallow_reporter {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct fallow_zone_config {
    pub base: u64,
    pub frames: u64,
    pub caches: u32,
    pub flags: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fallow_allocation {
    pub pfn: u64,
    pub status: fallow_status,
    pub content_known: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct fallow_zone_stats {
    pub size: u64,
    pub free: u64,
    pub used: u64,
    pub isolated: u64,
    pub reported: u64,
    pub cached: u64,
    pub refaults: u64,
    pub reserved: u64,
    pub low_watermark: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fallow_scatterlist {
    pub pfn: u64,
    pub nr_pages: u64,
    pub end: u8,
    pub reserved: [u8; 7],
}

#[repr(C)]
pub struct fallow_page_reporting_dev_info {
    pub report: Option<
        unsafe extern "C" fn(
            *mut fallow_page_reporting_dev_info,
            *const fallow_scatterlist,
            u32,
            u32,
        ) -> fallow_status,
    >,
    pub capacity: u32,
    pub in_flight: u32,
    pub order: u32,
    pub content_after: u32,
    pub context: *mut c_void,
}

#[repr(C)]
pub struct fallow_reporter_config {
    pub zones: *const *mut fallow_zone,
    pub zone_count: u32,
    pub capacity: u32,
    pub in_flight: u32,
}

extern "C" {
    pub fn fallow_c_abi_version() -> u32;
    pub fn fallow_status_text(status: fallow_status) -> *const c_char;
    pub fn fallow_zone_size(config: *const fallow_zone_config) -> u64;
    pub fn fallow_zone_create(
        port: *const fallow_port,
        config: *const fallow_zone_config,
        memory: *mut c_void,
        size: u64,
        zone: *mut *mut fallow_zone,
    ) -> fallow_status;
    pub fn fallow_zone_destroy(zone: *mut fallow_zone) -> fallow_status;
    pub fn fallow_zone_cache(zone: *mut fallow_zone, index: u32) -> *mut fallow_cache;
    pub fn fallow_allocate(
        cache: *mut fallow_cache,
        order: u32,
        mobility: u32,
    ) -> fallow_allocation;
    pub fn fallow_free(cache: *mut fallow_cache, pfn: u64, order: u32) -> fallow_status;
    pub fn fallow_cache_drain(cache: *mut fallow_cache) -> fallow_status;
    pub fn fallow_cache_retire(cache: *mut fallow_cache) -> fallow_status;
    pub fn fallow_zone_get_stats(
        zone: *const fallow_zone,
        stats: *mut fallow_zone_stats,
    ) -> fallow_status;
    pub fn fallow_zone_check(zone: *const fallow_zone, place: *mut u64) -> *const c_char;
    pub fn fallow_reporter_size(config: *const fallow_reporter_config) -> u64;
    pub fn fallow_reporter_create(
        port: *const fallow_port,
        config: *const fallow_reporter_config,
        memory: *mut c_void,
        size: u64,
        reporter: *mut *mut fallow_reporter,
    ) -> fallow_status;
    pub fn fallow_reporter_destroy(reporter: *mut fallow_reporter) -> fallow_status;
    pub fn fallow_page_reporting_register(
        reporter: *mut fallow_reporter,
        prdev: *mut fallow_page_reporting_dev_info,
        policy: *const c_char,
    ) -> fallow_status;
    pub fn fallow_page_reporting_unregister(
        reporter: *mut fallow_reporter,
        prdev: *mut fallow_page_reporting_dev_info,
    ) -> fallow_status;
    pub fn fallow_reporter_run(reporter: *mut fallow_reporter) -> u64;
    pub fn fallow_reporter_next_deadline(reporter: *const fallow_reporter) -> u64;
    pub fn fallow_forget_reported(reporter: *mut fallow_reporter) -> fallow_status;
}

/// The signature of the function that the library calls when an internal check fails. The program defines it, under the
/// name `fallow_panic`; the crate `fallow` does so.
pub type Panic = extern "C" fn(what: *const c_char, file: *const c_char, line: c_int) -> !;
