/** How a reading went, in a small curve. */

import type { Point } from "../boards.ts";
import { draw, make, setAttribute, setText } from "../dom.ts";
import { makeVisible } from "../visible.ts";

const WIDTH = 160;
const HEIGHT = 32;

/** The curve as the path of an SVG: time from left to right, the lowest value at the bottom. */
export function curve(points: Point[], width = WIDTH, height = HEIGHT): string {
    const [first, last] = [points[0], points.at(-1)];
    if (!first || !last) {
        return "";
    }
    const values = points.map((point) => point.value);
    const low = Math.min(...values);
    const high = Math.max(...values);
    const span = last.time - first.time || 1;
    const steps = points.map(({ time, value }) => {
        const x = ((time - first.time) / span) * width;
        const y = high === low ? height / 2 : height - ((value - low) / (high - low)) * height;
        return `${x.toFixed(1)} ${y.toFixed(1)}`;
    });
    return `M${steps.join("L")}`;
}

export class Sparkline {
    readonly element: HTMLElement;
    private path = draw("path", { class: "curve" });
    private value = make("output");

    constructor(name: string) {
        const drawing = draw(
            "svg",
            { viewBox: `-2 -2 ${WIDTH + 4} ${HEIGHT + 4}`, "aria-hidden": "true" },
            this.path,
        );
        this.element = make("div", { class: "sparkline" }, make("b", {}, makeVisible(name)), this.value, drawing);
    }

    refresh(points: Point[]): void {
        setAttribute(this.path, "d", curve(points));
        setText(this.value, String(points.at(-1)?.value ?? ""));
    }
}
