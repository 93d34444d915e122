/** As the server wants it; it has the last word. */
export const shortest = 10;
