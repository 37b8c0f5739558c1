/** Shows a reply as plain text when its markdown cannot be rendered, be it that the renderer did not load. */
import { Component, type ReactNode } from "react";
import { PlainText } from "./PlainText.tsx";

interface FallbackProps {
  text: string;
  children: ReactNode;
}

export class PlainTextFallback extends Component<FallbackProps, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true };
  }

  override render(): ReactNode {
    return this.state.hasFailed ? <PlainText text={this.props.text} /> : this.props.children;
  }
}
