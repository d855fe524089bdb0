/** The schema library, imported here alone so that there is one place to exchange it. */
export * from "valibot";
