//! A page allocator that reports the pages that nobody uses to a device, which returns their memory to its owner.
//!
//! A [`Zone`] is a range of page frames of 4 KiB, known by their numbers: it never touches the frames themselves. A
//! [`Cache`] belongs to one thread at a time, and allocates and frees. A [`Reporter`] shows batches of free frames to
//! the one registered [`ReportingDevice`].
mod cache;
mod panic;
mod reporter;
mod status;
mod zone;

pub use cache::{Allocation, Cache, Mobility};
pub use fallow_sys::fallow_zone_stats as ZoneStats;
pub use reporter::{Entry, Reporter, ReportingDevice};
pub use status::Error;
pub use zone::Zone;
