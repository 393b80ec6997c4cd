//! Adds up what the test harness reports, one `test result:` line per binary.
//! So that the last line of a run says how many tests ran, and a run of none is not a success.

use std::fmt;

/// Counts over all test binaries of a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) binaries: u64,
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl Tally {
    /// Takes a line of output; any but a `test result:` line changes nothing.
    pub(crate) fn add_line(&mut self, line: &str) {
        let Some((_, counts)) = line.split_once("test result: ") else {
            return;
        };
        self.binaries += 1;
        let counts = counts.split_once(". ").map_or(counts, |(_, rest)| rest);
        for part in counts.split(';') {
            let mut words = part.split_whitespace();
            let number = words.next().and_then(|word| word.parse::<u64>().ok());
            let (Some(number), Some(what)) = (number, words.next()) else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }

    /// Both runs together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            binaries: self.binaries + other.binaries,
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            ignored: self.ignored + other.ignored,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} passed, {} failed, {} ignored, in {} test binaries",
            self.passed, self.failed, self.ignored, self.binaries
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn adds_up_the_results_of_several_binaries() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test parse ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.5s",
        ] {
            tally.add_line(line);
        }
        let wanted = Tally {
            binaries: 2,
            passed: 5,
            failed: 1,
            ignored: 1,
        };
        assert_eq!(tally, wanted);
        assert_eq!(tally.plus(wanted).passed, 10);
    }
}
