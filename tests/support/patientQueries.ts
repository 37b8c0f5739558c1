/** Lets tests of the app wait for what they look for as long as they may take: a second is no patience for a busy machine. */
import { configure } from "@testing-library/react";

configure({ asyncUtilTimeout: 25_000 });
