export { Board, checkBoard } from "./board.js";
