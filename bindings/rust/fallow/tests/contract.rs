//! The example of docs/contract.md: a driver registers, receives batches of pages that nobody uses, unregisters, and
//! the next one continues where it stopped. The clauses have their numbers there.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use fallow::{Entry, Error, Mobility, Reporter, ReportingDevice, Zone};

const BASE: u64 = 0x1000;
const BLOCK: u64 = 512; // frames of 2 MiB

/// Counts how often each block is reported, and checks the shape of each batch.
struct Driver {
    blocks: Arc<Mutex<BTreeMap<u64, u32>>>,
    fails: bool,
}
impl ReportingDevice for Driver {
    fn capacity(&self) -> u32 {
        4
    }
    fn report(&mut self, batch: &[Entry]) -> Result<(), Error> {
        assert!((1..=4).contains(&batch.len()), "R5: 1 to capacity entries");
        for (index, entry) in batch.iter().enumerate() {
            assert_eq!(
                entry.end,
                index + 1 == batch.len(),
                "R5: the last entry, and no other, has the end mark"
            );
            assert!(
                entry.pfn % BLOCK == 0 && entry.frames % BLOCK == 0,
                "R5: at least the reporting order"
            );
        }
        if self.fails {
            return Err(Error(fallow_sys::FALLOW_FAILED));
        }
        let mut blocks = self.blocks.lock().unwrap();
        for entry in batch {
            for block in (entry.pfn..entry.pfn + entry.frames).step_by(BLOCK as usize) {
                *blocks.entry(block).or_default() += 1;
            }
        }
        Ok(())
    }
}

fn driver() -> (Box<Driver>, Arc<Mutex<BTreeMap<u64, u32>>>) {
    let blocks = Arc::new(Mutex::new(BTreeMap::new()));
    (
        Box::new(Driver {
            blocks: blocks.clone(),
            fails: false,
        }),
        blocks,
    )
}

fn run(reporter: &mut Reporter) {
    while reporter.run() {}
}

#[test]
fn a_driver_receives_what_is_free_and_the_next_one_what_became_free() {
    let zone = Zone::new(BASE, 32 * BLOCK, 2).unwrap();
    let mut reporter = Reporter::new(&[zone.clone()], 4).unwrap();
    let mut cache = zone.cache(0).unwrap();
    let used: Vec<u64> = (0..8)
        .map(|_| cache.allocate(9, Mobility::Movable).unwrap().pfn)
        .collect();

    let (first, seen) = driver();
    reporter.register(first, "hwm:1").unwrap();
    let (second, _) = driver();
    assert_eq!(
        reporter.register(second, "hwm:1").unwrap_err(),
        Error(fallow_sys::FALLOW_BUSY),
        "R1"
    );
    run(&mut reporter);
    {
        let seen = seen.lock().unwrap();
        // The low watermark of the zone keeps some blocks from being reported (R11).
        assert!(
            !seen.is_empty() && seen.len() as u64 * BLOCK == zone.stats().reported,
            "R2 and R14"
        );
        assert!(
            seen.values().all(|count| *count == 1),
            "R8: what was not touched is not reported again"
        );
        assert!(
            used.iter().all(|pfn| !seen.contains_key(pfn)),
            "what is in use is not reported"
        );
    }
    assert!(reporter.unregister().is_ok(), "R9");
    let reported = zone.stats().reported;
    assert!(reported > 0, "R10: the state survives");

    let (second, seen) = driver();
    reporter.register(second, "hwm:1").unwrap();
    for pfn in &used {
        cache.free(*pfn, 9).unwrap();
    }
    cache.drain();
    run(&mut reporter);
    assert!(
        seen.lock().unwrap().keys().all(|pfn| used.contains(pfn)),
        "R10: only what became free"
    );
    assert_eq!(seen.lock().unwrap().len(), used.len());
    assert_eq!(zone.stats().reported, reported + 8 * BLOCK);
}

#[test]
fn a_batch_that_the_device_does_not_take_is_not_reported_and_stays_usable() {
    let zone = Zone::new(BASE, 16 * BLOCK, 1).unwrap();
    let mut reporter = Reporter::new(&[zone.clone()], 4).unwrap();
    let (mut failing, seen) = driver();
    failing.fails = true;
    reporter.register(failing, "hwm:1").unwrap();
    run(&mut reporter);
    assert_eq!(zone.stats().reported, 0, "R7");
    assert!(seen.lock().unwrap().is_empty());
    let mut cache = zone.cache(0).unwrap();
    while cache.allocate(0, Mobility::Movable).is_ok() {}
    assert_eq!(zone.stats().used, 16 * BLOCK, "R11");
}

#[test]
fn misuse_is_an_error_and_changes_nothing() {
    let mut zone = Zone::new(BASE, 2 * BLOCK, 1).unwrap();
    assert!(zone.cache(1).is_none(), "there is one cache");
    let mut cache = zone.cache(0).unwrap();
    assert!(zone.cache(0).is_none(), "a cache is one thread's");
    assert_eq!(
        Reporter::new(&[zone.clone()], 4).err(),
        Some(Error(fallow_sys::FALLOW_INVALID_ARGUMENT))
    );

    let pfn = cache.allocate(3, Mobility::Unmovable).unwrap().pfn;
    assert_eq!(
        cache.free(pfn + 1, 3).unwrap_err(),
        Error(fallow_sys::FALLOW_MISALIGNED)
    );
    assert_eq!(
        cache.free(BASE - 8, 3).unwrap_err(),
        Error(fallow_sys::FALLOW_OUTSIDE_ZONE)
    );
    cache.free(pfn, 3).unwrap();
    assert_eq!(
        cache.free(pfn, 3).unwrap_err(),
        Error(fallow_sys::FALLOW_NOT_ALLOCATED)
    );
    assert_eq!(
        cache.allocate(11, Mobility::Movable).unwrap_err(),
        Error(fallow_sys::FALLOW_INVALID_ARGUMENT)
    );
    assert_eq!(
        zone.check().unwrap_err(),
        Error(fallow_sys::FALLOW_BUSY),
        "a cache holds the zone"
    );
    drop(cache);
    assert_eq!(zone.check().unwrap(), None);
    assert_eq!(zone.stats().free, 2 * BLOCK);
    assert!(Zone::new(BASE, 0, 1).is_err());
}

#[test]
fn threads_allocate_while_a_reporter_runs() {
    let mut zone = Zone::new(BASE, 64 * BLOCK, 2).unwrap();
    let mut reporter = Reporter::new(&[zone.clone()], 4).unwrap();
    reporter.register(driver().0, "hwm:1").unwrap();
    std::thread::scope(|scope| {
        for index in 0..2 {
            let mut cache = zone.cache(index).unwrap();
            scope.spawn(move || {
                for round in 0..200 {
                    let frames: Vec<u64> = (0..500)
                        .map(|_| cache.allocate(0, Mobility::Movable).unwrap().pfn)
                        .collect();
                    for pfn in frames {
                        cache.free(pfn, 0).unwrap();
                    }
                    if round % 10 == 0 {
                        cache.drain();
                    }
                }
            });
        }
        for _ in 0..200 {
            reporter.run();
        }
    });
    drop(reporter);
    assert_eq!(zone.stats().free, 64 * BLOCK);
    assert_eq!(zone.check().unwrap(), None);
}

#[test]
fn the_library_has_the_interface_of_these_declarations() {
    // SAFETY: the function takes nothing.
    assert_eq!(
        unsafe { fallow_sys::fallow_c_abi_version() },
        fallow_sys::FALLOW_C_ABI_VERSION
    );
}
