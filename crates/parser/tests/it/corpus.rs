//! Every statement of `tests/data/{ok,err}/*.sql` against the result beside it.
//! `UPDATE_EXPECT=1` rewrites the results; read the difference before you keep it.
//!
//! A case is the statement's lines, then lines that begin with `=>`, then an empty line.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use stagedoor_parser::{Plan, QueryText, parse};

#[test]
fn ok() {
    run("ok", |sql| {
        let plan = parse(sql).unwrap_or_else(|error| panic!("{sql}\n{error}"));
        let again = parse(&plan.to_sql()).unwrap_or_else(|error| panic!("{sql}\n{error}"));
        assert_eq!(again, plan, "{sql}");
        let mut result = format!("{}: {plan}", plan.verb());
        for file in &query_of(&plan)
            .map(|query| query.staged_files.clone())
            .unwrap_or_default()
        {
            let text = &query_of(&plan).unwrap().text[file.range.clone()];
            write!(
                result,
                "\nfile {} {:?} from {text}",
                file.target, file.options
            )
            .unwrap();
        }
        for call in &query_of(&plan)
            .map(|query| query.stage_functions.clone())
            .unwrap_or_default()
        {
            let text = &query_of(&plan).unwrap().text[call.range.clone()];
            write!(
                result,
                "\n{:?} {} from {text}",
                call.function, call.argument
            )
            .unwrap();
        }
        result
    });
}

#[test]
fn err() {
    run("err", |sql| match parse(sql) {
        Ok(plan) => panic!("{sql}\nshould be an error, is {plan}"),
        Err(error) => {
            let text = error.to_string();
            let text =
                text.strip_prefix("SQL parser error: You have an error in your SQL syntax; ");
            format!("{:?}: {}", error.kind(), text.unwrap())
        }
    });
}

#[test]
fn reports() {
    run("report", |sql| parse(sql).unwrap_err().report(sql));
}

fn query_of(plan: &Plan) -> Option<&QueryText> {
    match plan {
        Plan::Query(query) => Some(query),
        Plan::Export(export) | Plan::ExplainExport(export) => Some(&export.query),
        Plan::Insert(insert) => Some(&insert.source),
        Plan::CreateTableAs(create) => Some(&create.source),
        Plan::CreateView(create) => Some(&create.definition.query),
        _ => None,
    }
}

fn run(folder: &str, result_of: impl Fn(&str) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(folder);
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut cases = 0;
    let mut wrong = String::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let old = fs::read_to_string(&path).unwrap();
        let mut new = String::new();
        for case in old
            .split("\n\n")
            .map(str::trim)
            .filter(|case| !case.is_empty())
        {
            let sql: Vec<&str> = case
                .lines()
                .filter(|line| !line.starts_with("=>"))
                .collect();
            let sql = sql.join("\n");
            let result: Vec<String> = result_of(&sql)
                .lines()
                .map(|line| format!("=> {line}").trim_end().to_owned())
                .collect();
            let now = format!("{sql}\n{}", result.join("\n"));
            if now != case && !update {
                writeln!(
                    wrong,
                    "{}:\nexpected\n{case}\nfound\n{now}\n",
                    path.display()
                )
                .unwrap();
            }
            writeln!(new, "{now}\n").unwrap();
            cases += 1;
        }
        if update {
            fs::write(&path, format!("{}\n", new.trim_end())).unwrap();
        }
    }
    assert!(cases > 0, "no cases in {}", folder.display());
    assert!(wrong.is_empty(), "{wrong}");
}
