"""Values to text or JSON. Pure: takes the values of `runtime.model`, gives lines and documents, prints nothing."""
