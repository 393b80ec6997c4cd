//! The OSS double is proven by Aliyun's own clients before anything here relies on it.

use std::process::Command;

#[test]
fn aliyuns_own_clients_take_the_double_for_oss() {
    let python = std::env::var_os("STAGEDOOR_PYTHON")
        .unwrap_or_else(|| panic!("STAGEDOOR_PYTHON names no Python: run `cargo xtask test`"));
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/servers/oss_sdk_check.py"
    );
    let output = Command::new(python).arg(script).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let failed: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("FAILED"))
        .collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{failed:#?}\n{errors}");
    assert!(text.contains("oss_v2 v4 virtual put and get"), "{text}");
}
