//! A small SVG by hand: marks, words, and the frame that every chart stands in.

use std::fmt::Write as _;

use crate::render::markup::xml;

/// How a chart is drawn: once for a desk, once for a phone, since letters must not shrink with the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// For 560 px and more.
    Wide,
    /// Below.
    Narrow,
}

impl Size {
    /// Both.
    pub const BOTH: [Size; 2] = [Size::Wide, Size::Narrow];

    /// The picture's width in its own units, about one pixel each.
    pub fn width(self) -> f64 {
        match self {
            Size::Wide => 760.0,
            Size::Narrow => 344.0,
        }
    }

    /// The class that style sheets show it by.
    pub fn class(self) -> &'static str {
        match self {
            Size::Wide => "wide",
            Size::Narrow => "narrow",
        }
    }
}

/// Where a text stands against its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// At most about how wide a text of so many signs is, in the charts' boldest letters.
pub fn text_width(text: &str) -> f64 {
    7.4 * text.chars().count() as f64
}

/// A picture under way.
pub struct Canvas {
    size: Size,
    height: f64,
    body: String,
}

impl Canvas {
    /// Empty.
    pub fn new(size: Size, height: f64) -> Self {
        Canvas { size, height, body: String::new() }
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        // Writing to a String cannot fail.
        let _ = write!(self.body, "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
    }

    /// A filled area, or a bar.
    pub fn rect(&mut self, class: &str, corner: (f64, f64), size: (f64, f64)) {
        let ((x, y), (width, height)) = (corner, size);
        let _ = write!(self.body, "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>");
    }

    /// Diagonal strokes within an area: a shade that needs no colour.
    pub fn hatch(&mut self, corner: (f64, f64), size: (f64, f64)) {
        let ((x, y), (width, height)) = (corner, size);
        let mut path = String::new();
        let mut at = -height;
        while at < width {
            // From the lower edge (or the left one) up to the right, cut to the area.
            let (from, to) = (at.max(0.0), (at + height).min(width));
            let _ = write!(path, "M{:.1} {:.1}L{:.1} {:.1}", x + from, y + height - (from - at), x + to, y + height - (to - at));
            at += 7.0;
        }
        self.path("hatch", &path);
    }

    /// A path as SVG writes it.
    pub fn path(&mut self, class: &str, data: &str) {
        let _ = write!(self.body, "<path class=\"{class}\" d=\"{data}\"/>");
    }

    /// A filled dot, or an open one by its class.
    pub fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        let _ = write!(self.body, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>");
    }

    /// Words.
    pub fn text(&mut self, class: &str, anchor: Anchor, (x, y): (f64, f64), words: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = write!(self.body, "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", xml(words));
    }

    /// A line through points; where one is missing the line is broken, and a lone point is a dot. With `dots`, all points are.
    pub fn curve(&mut self, class: &str, points: &[Option<(f64, f64)>], dots: bool) {
        let mut path = String::new();
        let at = |index: usize| points.get(index).copied().flatten();
        for (index, point) in points.iter().enumerate() {
            let Some((x, y)) = *point else { continue };
            let before = index.checked_sub(1).and_then(at);
            let _ = write!(path, "{}{x:.1} {y:.1}", if before.is_some() { 'L' } else { 'M' });
            if dots || (before.is_none() && at(index + 1).is_none()) {
                self.dot(&format!("{class} dot"), (x, y), 3.0);
            }
        }
        self.path(&format!("{class} curve"), &path);
    }

    /// The whole element. `id` must be the page's only one; `title` is its name, `words` say what it shows.
    pub fn finish(self, id: &str, title: &str, words: &str) -> String {
        let (class, width, height) = (self.size.class(), self.size.width(), self.height);
        format!(
            "<svg class=\"{class}\" role=\"img\" aria-labelledby=\"{id}-{class}-t {id}-{class}-d\" viewBox=\"0 0 {width} {height}\">\
             <title id=\"{id}-{class}-t\">{}</title><desc id=\"{id}-{class}-d\">{}</desc>{}</svg>",
            xml(title),
            xml(words),
            self.body
        )
    }
}
