//! The HTML report in a real browser: nothing is loaded, nothing is said on the console, and everything can be read, on a
//! phone and at a desk, in light and in dark. `DAVY_PICTURES=DIRECTORY` keeps what was seen.

use std::fs;

use davy_tests::browser::Browser;
use davy_tests::davy::{run, workspace};
use serde_json::Value;

/// Looks at the page as it is laid out, and says what a reader would stumble over.
const LOOK: &str = include_str!("html_report.js");

async fn look(browser: &Browser, name: &str, url: &str, charts: u64, pictures: Option<&str>) -> anyhow::Result<Vec<String>> {
    let mut mistakes = Vec::new();
    let mut grounds = Vec::new();
    for width in [380, 1280] {
        for is_dark in [false, true] {
            let place = format!("{name} at {width} px, {}", if is_dark { "dark" } else { "light" });
            browser.show(url, width, is_dark).await?;
            let found = browser.run(LOOK).await?;
            mistakes.extend(found["wrong"].as_array().into_iter().flatten().map(|wrong| format!("{place}: {wrong}")));
            if found["charts"] != charts {
                mistakes.push(format!("{place}: expected {charts} charts, found {}", found["charts"]));
            }
            grounds.push(found["ground"].clone());
            mistakes.extend(browser.console().await?.into_iter().map(|said| format!("{place}: the console says {said}")));
            let foreign = browser.requests().await?.into_iter().filter(|address| address != url && !address.starts_with("data:"));
            mistakes.extend(foreign.map(|address| format!("{place}: asks for {address}")));
            if let Some(folder) = pictures {
                fs::write(format!("{folder}/{name}-{width}-{}.base64", if is_dark { "dark" } else { "light" }), browser.picture().await?)?;
            }
        }
    }
    if grounds[0] == grounds[1] {
        mistakes.push(format!("{name}: dark is as light as light: {}", grounds[0]));
    }
    Ok(mistakes)
}

/// How many charts of the report are to be seen: values where there are some, an effect where there is one, evidence.
fn charts(report: &Value) -> u64 {
    let of = |finding: &Value| {
        let has = |key: &str| finding["series"][key].as_array().is_some_and(|values| values.iter().any(|value| !value.is_null()));
        u64::from(has("baseline") || has("canary")) + u64::from(!finding["effect"].is_null()) + u64::from(has("ln_harm"))
    };
    report["findings"].as_array().into_iter().flatten().map(of).sum()
}

#[tokio::test]
async fn a_report_can_be_read_anywhere_and_asks_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = std::env::var("DAVY_PICTURES").ok();
    let mut pages = Vec::new();
    // A rollback without history, a promotion with it, a hold with gaps, a large effect, and slices.
    for name in ["lab-slower", "same", "canary_dead", "erroring", "one-route-erroring"] {
        let recording = workspace().join("fixtures/recordings").join(name).display().to_string();
        let page = folder.path().join(format!("{name}.html"));
        let judged = run(["replay", &recording, "--output", "json", "--report", &format!("html={}", page.display())]).unwrap();
        pages.push((name, format!("file://{}", page.display()), charts(&judged.report().unwrap())));
    }
    let browser = Browser::start().await.unwrap();
    let mut mistakes = Vec::new();
    let mut failure = None;
    for (name, url, charts) in &pages {
        match look(&browser, name, url, *charts, pictures.as_deref()).await {
            Ok(found) => mistakes.extend(found),
            Err(error) => failure = Some(error),
        }
    }
    browser.close().await;
    assert!(failure.is_none(), "{failure:?}");
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[tokio::test]
async fn what_a_label_says_is_never_run() {
    let folder = tempfile::tempdir().unwrap();
    let recording = workspace().join("fixtures/recordings/lab-slower").display().to_string();
    let mut report = run(["replay", &recording, "--output", "json"]).unwrap().report().unwrap();
    let hostile = "</code><script>console.error('run')</script><img src=x onerror=console.error(1)>\"'&";
    for place in ["/reason", "/arms/canary", "/findings/0/reason", "/findings/0/queries/0", "/rules/name"] {
        *report.pointer_mut(place).expect("the report has it") = hostile.into();
    }
    report["warnings"] = serde_json::json!([hostile]);
    let json = folder.path().join("report.json");
    fs::write(&json, report.to_string()).unwrap();
    let shown = run(["report", &json.display().to_string(), "--to", "html"]).unwrap();
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    let page = folder.path().join("page.html");
    fs::write(&page, shown.stdout).unwrap();
    let browser = Browser::start().await.unwrap();
    let url = format!("file://{}", page.display());
    let found = async {
        browser.show(&url, 1280, false).await?;
        let foreign = browser.run("return document.querySelectorAll('script, img').length").await?;
        anyhow::Ok((foreign, browser.console().await?, browser.run("return document.body.innerText").await?))
    }
    .await;
    browser.close().await;
    let (foreign, console, text) = found.unwrap();
    assert_eq!((foreign, console), (0.into(), Vec::new()));
    assert!(text.as_str().is_some_and(|text| text.contains("<img src=x onerror=")), "{text}");
}

/// A test that finds nothing wrong must be one that can.
#[tokio::test]
async fn what_is_wrong_is_found() {
    let page = "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>x</title>\
        <body style='background:#fff'><p style='color:#bbb'>faint</p><div style='width:2000px'>wide</div><a href='#none'>nowhere</a>\
        <svg role=img width=400 height=200 viewBox='0 0 400 200'><title>chart</title><desc>d</desc>\
        <text x=10 y=50>one word</text><text x=12 y=52>two</text><text x=390 y=90>leaves it</text></svg>\
        <img src='http://127.0.0.1:1/picture.png'><script>console.error('said')</script>";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    fs::write(&path, page).unwrap();
    let browser = Browser::start().await.unwrap();
    let found = look(&browser, "page", &format!("file://{}", path.display()), 0, None).await;
    browser.close().await;
    let found = found.unwrap().join("\n");
    for wrong in
        ["is 2", "contrast 1.9", "nowhere", "two lies on one word", "leaves the chart", "asks for http://127.0.0.1:1", "said", "dark is"]
    {
        assert!(found.contains(wrong), "{wrong} is not in\n{found}");
    }
}
