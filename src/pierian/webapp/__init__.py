"""The pages in the browser: what a run and a conversation look like there. What is asked and answered is below."""
