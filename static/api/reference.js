"use strict";

const DARK = {
  colors: {
    primary: { main: "#8ab4ff" },
    success: { main: "#5fd38d" },
    error: { main: "#ff8a80" },
    text: { primary: "#d8dce3", secondary: "#9aa3b0" },
    border: { dark: "#3a414c", light: "#2a3039" },
    responses: {
      success: { color: "#5fd38d", backgroundColor: "#16281e", tabTextColor: "#5fd38d" },
      error: { color: "#ff8a80", backgroundColor: "#2c1a1a", tabTextColor: "#ff8a80" },
    },
  },
  schema: { nestedBackground: "#1b2027", typeNameColor: "#9aa3b0", typeTitleColor: "#9aa3b0", linesColor: "#4a5563" },
  typography: {
    links: { color: "#8ab4ff", visited: "#8ab4ff", hover: "#b3ceff" },
    code: { color: "#ffb3ab", backgroundColor: "#232932" },
  },
  sidebar: { backgroundColor: "#101318", textColor: "#d8dce3", activeTextColor: "#8ab4ff", arrow: { color: "#9aa3b0" } },
  rightPanel: { backgroundColor: "#101318" },
  fab: { backgroundColor: "#2a3039", color: "#8ab4ff" },
};

const page = document.getElementById("reference");
const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.classList.toggle("dark", dark);

Redoc.init(page.dataset.document, { hideDownloadButton: false, ...(dark ? { theme: DARK } : {}) }, page);
