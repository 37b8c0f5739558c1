/** Keeps the frame standing when a page fails, and says what to do. */
import { Component, type ReactNode } from "react";
import { describeError } from "../describeError.ts";

type BoundaryState = { status: "fine" } | { status: "failed"; error: unknown };

export class PageErrorBoundary extends Component<{ children: ReactNode }, BoundaryState> {
  override state: BoundaryState = { status: "fine" };

  static getDerivedStateFromError(error: unknown): BoundaryState {
    return { status: "failed", error };
  }

  override render(): ReactNode {
    if (this.state.status === "fine") return this.props.children;
    return (
      <div role="alert" className="m-auto max-w-md px-6 text-center">
        <h1 className="text-xl font-semibold">This page could not be shown</h1>
        <p className="mt-2 text-muted-foreground text-pretty">{describeError(this.state.error)}</p>
        <button
          type="button"
          onClick={() => this.setState({ status: "fine" })}
          className="mt-6 h-10 rounded-lg bg-primary px-4 text-sm font-medium text-primary-foreground hover:bg-primary/88"
        >
          Try again
        </button>
      </div>
    );
  }
}
