//! How much of the machine the engines may use.
//!
//! # Why
//! candle asks `/proc/cpuinfo` how many threads to start, and so takes every core of a host of which a container may
//! use two; its workers then spin against each other. It reads the number from the environment only, once.

/// Processors this process may use: affinity and the quota of its control group count.
pub fn usable_cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Tells candle, the matrix products and rayon to use `threads` threads; 0 means all that this process may use.
///
/// **Order**: the first thing `main` does, before any other thread exists (so before the tokio runtime); later calls
/// have no effect on pools that already run.
pub fn init_threads(threads: usize) {
    let n = if threads == 0 { usable_cpus() } else { threads }.to_string();
    for name in ["CANDLE_NUM_THREADS", "RAYON_NUM_THREADS"] {
        #[expect(unsafe_code, reason = "candle reads its number of threads from the environment only")]
        // SAFETY: called before any other thread exists, so nobody reads the environment at the same time.
        unsafe {
            std::env::set_var(name, &n);
        }
    }
}

/// What the machine offers, for `doctor`.
pub fn describe() -> String {
    #[cfg(target_arch = "x86_64")]
    let vectors = if is_x86_feature_detected!("avx512f") {
        "AVX-512"
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "AVX2"
    } else {
        "no AVX2: slow"
    };
    #[cfg(not(target_arch = "x86_64"))]
    let vectors = std::env::consts::ARCH;
    format!("{} usable processors, {vectors}", usable_cpus())
}
