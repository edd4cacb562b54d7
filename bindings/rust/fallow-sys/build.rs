//! Finds the installed library with pkg-config: PKG_CONFIG_PATH names a prefix that is not the system's.
use std::process::{exit, Command};

fn main() {
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    let pkg_config = Command::new("pkg-config")
        .args(["--libs", "fallow-core"])
        .output();
    let output = match pkg_config {
        Ok(output) if output.status.success() => output,
        Ok(output) => fail(&String::from_utf8_lossy(&output.stderr)),
        Err(error) => fail(&format!("pkg-config cannot be started: {error}")),
    };
    for word in String::from_utf8_lossy(&output.stdout).split_whitespace() {
        if let Some(folder) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={folder}");
        } else if let Some(library) = word.strip_prefix("-l") {
            println!("cargo:rustc-link-lib={library}");
        }
    }
}

fn fail(why: &str) -> ! {
    eprintln!("fallow-sys needs the installed library fallow-core (make install, or libfallow-dev): {why}");
    exit(1)
}
