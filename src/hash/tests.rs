
use super::*;
use crate::clock::SystemEntropy;
use crate::danger;

#[tokio::test]
async fn a_password_verifies_and_another_does_not() {
    let pool = HashPool::new(danger::fast_hashing()).unwrap();
    let Hashed::Done(phc) = pool.hash(Lane::Known, secret("correct horse"), &SystemEntropy).await.unwrap()
    else {
        panic!("an empty pool is not busy")
    };
    assert_eq!(pool.verify(Lane::Known, secret("correct horse"), &phc).await.unwrap(), Hashed::Done(true));
    assert_eq!(pool.verify(Lane::Known, secret("correct horsf"), &phc).await.unwrap(), Hashed::Done(false));
    assert_eq!(pool.computed(), 3);
    assert!(pool.is_current(&phc));
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes())
}
